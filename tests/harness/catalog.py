"""A small world whose right answers are obvious: pictures of two colours, alike within a colour, unlike across."""

import numpy as np
from numpy.typing import NDArray

from features.item import Item, key_of
from features.profile import NEW, Action, Profile, profile_after

NOW = 1_767_268_800_000
MINUTE = 60_000
DAY = 86_400_000
DIMENSIONS = 66
ENCODER = "fake@1"
COLOURS = ("red", "blue")


def vector(name: str) -> NDArray[np.float32]:
    """`red-3` as a unit vector: cosine 0.7 to the other reds, 0 to the blues; up to number 31."""
    colour, _, number = name.partition("-")
    unit = np.zeros(DIMENSIONS, np.float32)
    unit[COLOURS.index(colour)] = np.sqrt(0.7)
    unit[2 + 2 * int(number) + COLOURS.index(colour)] = np.sqrt(0.3)
    return unit


def item(
    name: str,
    *,
    looks: str | None = None,
    at_ms: int = NOW - 30 * DAY,
    encoder: str = ENCODER,
    embedding: bytes | None = None,
    **facts: object,
) -> Item:
    """An item called `name` that looks like `looks` (itself by default), of its colour's category."""
    known: dict[str, object] = {
        "item_id": name,
        "changed_at_ms": at_ms,
        "uploaded_at_ms": at_ms,
        "owner": "shop",
        "category": (looks or name).partition("-")[0],
        "embeddings": {encoder: vector(looks or name).astype("<f2").tobytes() if embedding is None else embedding},
    }
    return Item(**{**known, **facts})  # type: ignore[arg-type]  # literal values of the tests


def without_picture(name: str, **facts: object) -> Item:
    """An item that was described, of which there is no picture; its category is what stands before the number."""
    described: dict[str, object] = {"category": name.partition("-")[0], "described_at_ms": NOW - 30 * DAY}
    return Item(name, NOW, **{**described, **facts})  # type: ignore[arg-type]  # literal values of the tests


def reds_and_blues(count: int) -> list[tuple[str, Item | None]]:
    """Records of the catalogue: red-0, blue-0, red-1, …, `count` of each."""
    return [(name, item(name)) for n in range(count) for name in (f"red-{n}", f"blue-{n}")]


def act(name: str, weight: float = 1.0, *, at_ms: int = NOW, event: str | None = None) -> Action:
    """An action on an item; its event id follows from what it is unless given."""
    return Action(key_of(event or f"{name} {weight} {at_ms}"), key_of(name), weight, at_ms)


def profile_of(*actions: Action, start: Profile = NEW) -> Profile:
    """The profile after some actions."""
    return profile_after(actions, start)
