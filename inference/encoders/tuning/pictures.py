"""The pictures that a network learns from, step by step: what a step draws is decided by the seed and its number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference.encoders.look.fit import Labelled

#: One of so many photos of a label, or of so many pictures without labels, is watched; of five there is one.
_WATCHED_OF = 8
_FIRST_WATCHED = 4


class Pictures:
    """Sets of labelled pictures in one row, their `labels` int64 [n] numbered through.

    `sets` are those of the labels, int64 [K]. The `watched` rows are drawn by no step.
    """

    def __init__(self, sets: Sequence[Labelled], catalogue: int, *, paired: bool) -> None:
        """A catalogue picture counts for so many photos; of what is `paired` the first of each label is taken.

        Raises ValueError for pictures without their pixels.
        """
        numbered = [np.unique(each.labels, return_inverse=True) for each in sets]
        counts = [len(names) for names, _ in numbered]
        before = np.cumsum([0, *counts])[:-1]
        self._pixels = [_pixels(each) for each in sets]
        self._starts = np.cumsum([0, *(len(each.labels) for each in sets)])
        self.labels = np.concatenate([rows + first for (_, rows), first in zip(numbered, before, strict=True)])
        self.sets = np.repeat(np.arange(len(sets)), counts)
        shown = np.concatenate([each.shown for each in sets])
        if paired:
            taken = np.unique(self.labels, return_index=True)[1]
            self.watched = taken[_FIRST_WATCHED::_WATCHED_OF]
        else:
            taken, self.watched = np.arange(len(self.labels)), _watched(self.labels, shown)
        rest = np.setdiff1d(taken, self.watched)
        self._drawn = np.repeat(rest, np.where(shown[rest], catalogue, 1))

    def pixels(self, rows: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
        """The pictures of these rows, uint8 [s, s, 3] each."""
        sets = np.searchsorted(self._starts, rows, side="right") - 1
        return [self._pixels[number][row - self._starts[number]] for number, row in zip(sets, rows, strict=True)]

    def steps(self, batch: int) -> int:
        """How many steps of so many pictures go once through all."""
        return max(1, len(self._drawn) // batch)

    def rows(self, step: int, batch: int, seed: int) -> NDArray[np.int64]:
        """The pictures of a step: each is drawn once before one is drawn again."""
        epoch, place = divmod(step, self.steps(batch))
        order = np.random.default_rng((seed, epoch)).permutation(self._drawn)
        return order[place * batch : (place + 1) * batch]


def _pixels(pictures: Labelled) -> NDArray[np.uint8]:
    if pictures.pixels is None:
        raise ValueError("a network learns from pixels, and these pictures have none")
    return pictures.pixels


def _watched(labels: NDArray[np.int64], shown: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of photos, evenly from all labels that have enough of them."""
    photos = [np.flatnonzero((labels == label) & ~shown) for label in np.unique(labels)]
    return np.concatenate([rows[_FIRST_WATCHED::_WATCHED_OF] for rows in photos])
