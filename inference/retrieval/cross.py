"""What has the look of an item in other categories than its own: a pair of shoes finds bags."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.arrays import best_of
from inference.catalog.catalog import Catalog
from inference.retrieval.companions import Companions, find_companions

#: Items of a category that are compared: all of a small one, and as many of a larger one, spread evenly over it.
COMPARED_LIMIT = 512
#: Items that are found for an item in each of the companions of its category.
FOUND_LIMIT = 4
#: An item that is so much more alike than its category on average has a strength of 1.
_MUCH = np.float32(1 / 3)
#: An item that differs less from its category has no look of its own.
_SAME = 1e-3
#: Items for which what was found is kept.
_KEPT_LIMIT = 20_000
#: How long the companions, and what was found, are used; less while there are no companions at all.
RENEWED_MS, RETRIED_MS = 600_000, 60_000


class Found(NamedTuple):
    """Items of other categories by their keys uint64 [n], with `strengths` float32 [n], 0 to 1."""

    keys: NDArray[np.uint64]
    strengths: NDArray[np.float32]


_NOTHING = Found(np.zeros(0, np.uint64), np.zeros(0, np.float32))


class _Category(NamedTuple):
    """The rows of a category that are compared, int64 [n], and the mean of their vectors, float32 [dimensions]."""

    rows: NDArray[np.int64]
    mean: NDArray[np.float32]


class Cross:
    """What goes with an item, as of a time: in the categories that users choose together with that of the item.

    Pictures of two categories are alike by what the categories have in common, which says nothing of taste. So an item
    is compared by how it differs from the mean of its own category: its colour, pattern, cut. Not thread-safe.
    """

    def __init__(self, catalog: Catalog, companions: Companions, made_ms: int) -> None:
        self.companions = companions
        self._catalog = catalog
        self._made_ms = made_ms
        self._categories: dict[int, _Category] = {}
        self._found: dict[int, Found] = {}

    def serves(self, now_ms: int) -> bool:
        """Whether it is recent enough at this time."""
        return abs(now_ms - self._made_ms) < (RENEWED_MS if self.companions else RETRIED_MS)

    def of(self, row: int) -> Found:
        """The items of other categories that have the look of a row's; it is remembered."""
        key = int(self._catalog.keys[row])
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _KEPT_LIMIT:
                self._found.clear()
            found = self._found[key] = self._find(row)
        return found

    def strength(self, row: int, other: int) -> float | None:
        """How strongly a row of another category goes with one; None where the two are not compared."""
        code, look = int(self._catalog.categories[other]), self._look(row)
        share = self.companions_of(row).get(code)
        if look is None or share is None:
            return None
        rows = self._compared(code)
        compared = rows == other
        return float(self._strengths(look, rows, share)[compared][0]) if compared.any() else None

    def companions_of(self, row: int) -> dict[int, float]:
        """The categories that users choose together with a row's."""
        return dict(self.companions.get(int(self._catalog.categories[row]), {}))

    def _find(self, row: int) -> Found:
        companions, look = self.companions_of(row), self._look(row)
        if look is None:
            return _NOTHING
        found = [_NOTHING]
        for code, share in companions.items():
            rows = self._compared(code)
            strengths = self._strengths(look, rows, share)
            best = best_of(strengths, FOUND_LIMIT)
            best = best[strengths[best] > 0]
            found.append(Found(self._catalog.keys[rows[best]], strengths[best]))
        return Found(*map(np.concatenate, zip(*found, strict=True)))

    def _look(self, row: int) -> NDArray[np.float32] | None:
        """How a row differs from its category, a unit vector float32 [1, dimensions]; None where it does not."""
        if not self.companions_of(row):
            return None
        mean = self._category(int(self._catalog.categories[row])).mean
        look = self._catalog.pictures.vectors(np.array([row])) - mean
        length = float(np.linalg.norm(look))
        return look / np.float32(length) if length > _SAME else None

    def _compared(self, code: int) -> NDArray[np.int64]:
        """The rows of a category that are compared; meanwhile a row may have come to another item or category."""
        rows = self._category(code).rows
        kept: NDArray[np.bool_] = (self._catalog.categories[rows] == code) & self._catalog.pictures.has(rows)
        return rows[kept]

    def _strengths(self, look: NDArray[np.float32], rows: NDArray[np.int64], share: float) -> NDArray[np.float32]:
        """How strongly each of the rows [n] of a category goes with a look, float32 [n]."""
        alike = self._catalog.pictures.similarities(rows, look)
        above = (alike - alike.mean()) / _MUCH if len(alike) else alike
        strengths: NDArray[np.float32] = np.clip(above, 0, 1) * np.float32(share)
        return strengths

    def _category(self, code: int) -> _Category:
        found = self._categories.get(code)
        if found is None:
            pictures = self._catalog.pictures
            rows = pictures.one_of_each(np.flatnonzero(self._catalog.shown & (self._catalog.categories == code)))
            rows = rows[pictures.has(rows)]
            rows = rows[:: max(-(-len(rows) // COMPARED_LIMIT), 1)]
            mean = pictures.vectors(rows).mean(axis=0) if len(rows) else np.zeros(pictures.dimensions, np.float32)
            found = self._categories[code] = _Category(rows, mean)
        return found


def find_cross(recent: RecentSteps, catalog: Catalog, now_ms: int) -> Cross:
    """What goes with items by the last steps of all users, and by the items that can be shown at this time."""
    return Cross(catalog, find_companions(recent, catalog), now_ms)
