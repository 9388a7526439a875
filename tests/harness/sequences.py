"""A log of users who go from item to item in the same order, and what a sequence model learns from it."""

from pathlib import Path

import numpy as np

from features.item import key_of
from inference.sequence.histories import Histories

ITEMS = 40


def circle(users: int = 40, steps: int = 12, *, picture: int = 0, last: int = 0) -> Histories:
    """Users who choose item-0, item-1, … in turn, each from a place of its own on, and begin again after the last.

    With `picture` numbers each item has a picture of its own, and the last items are of no user's choice.
    """
    starts = np.random.default_rng(0).integers(ITEMS, size=users)
    places = (starts[None] + np.arange(steps)[:, None]) % ITEMS
    names = [f"item-{number}" for number in range(ITEMS + last)]
    pictures = np.zeros((len(names), picture), np.float16)
    np.fill_diagonal(pictures, 1)
    return Histories(
        np.tile(np.arange(users), steps),
        places.ravel(),
        np.array([key_of(name) for name in names], np.uint64),
        np.array([number % 2 for number in range(len(names))]),
        ("even", "odd"),
        pictures,
        "fake@1" if picture else None,
        1000,
    )


def write_log(folder: Path, users: int, steps: int) -> Path:
    """The same as a folder that `sightline train` reads."""
    starts = np.random.default_rng(0).integers(ITEMS, size=users).tolist()
    lines = [
        f"u{user},item-{(start + step) % ITEMS},click,{step * users + user}"
        for step in range(steps)
        for user, start in enumerate(starts)
    ]
    folder.mkdir()
    (folder / "events.csv").write_text("\n".join(["user,item,type,time", *lines]))
    return folder
