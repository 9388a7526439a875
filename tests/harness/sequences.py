"""A log of users who go from item to item in the same order, and what a sequence model learns from it."""

from pathlib import Path

import numpy as np

from features.item import key_of
from inference.sequence.histories import Histories
from inference.sequence.model import SequenceModel
from inference.sequence.user_tower import UserTower

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


def next_of(**names: str) -> SequenceModel:
    """A model by which one item follows another: `red_0="red-1"` says that red-1 is likely after red-0.

    Its net remembers the last item alone, and knows no category and no picture.
    """
    pairs = {before.replace("_", "-"): after for before, after in names.items()}
    keys = np.array(sorted({key_of(name) for name in (*pairs, *pairs.values())}), np.uint64)
    place = {name: int(np.searchsorted(keys, key_of(name))) for name in (*pairs, *pairs.values())}
    size = len(keys)
    entering = np.hstack([np.zeros((size, 2 * size)), np.eye(size)]).astype(np.float32)
    biases = np.zeros((2, 3 * size), np.float32)
    # The update gate lets nothing stay.
    biases[0, size : 2 * size] = -50
    wish = np.zeros((size, size), np.float32)
    for before, after in pairs.items():
        wish[place[before], place[after]] = 4
    tower = UserTower(entering, np.zeros((size, 3 * size), np.float32), biases, wish)
    ids = np.vstack([np.zeros(size), np.eye(size)]).astype(np.float32)
    empty = np.zeros((1, size), np.float32)
    return SequenceModel(0, None, keys, ids, (), empty, empty[:0], tower)
