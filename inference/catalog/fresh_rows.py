"""The rows that are newest, without a look at every row for each list."""

from collections.abc import Callable
from heapq import heappush, heappushpop
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FRESH_LIMIT = 256

#: The first of rows [n] of each picture, in their order, with all that have none; they can be shown.
OneOfEach: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.int64]]


class FreshRows:
    """A heap of the FRESH_LIMIT newest rows; what cannot be shown any more is passed over when it is read."""

    def __init__(self, one_of_each: OneOfEach) -> None:
        self._one_of_each = one_of_each
        self._heap: list[tuple[int, int]] = []
        self._newest: NDArray[np.int64] | None = None

    def changed(self) -> None:
        """The catalogue is about to change: sort again before the next answer."""
        self._newest = None

    def note(self, row: int, at_ms: int) -> None:
        """Note a row that is new since this time, and can be shown from now on."""
        if len(self._heap) < FRESH_LIMIT:
            heappush(self._heap, (at_ms, row))
        else:
            heappushpop(self._heap, (at_ms, row))

    def rebuild(self, shown: NDArray[np.bool_], uploaded_ms: NDArray[np.int64]) -> None:
        """Note the newest row of each picture that can be shown, and nothing else."""
        rows = np.flatnonzero(shown)
        ordered = rows[np.argsort(-uploaded_ms[rows], kind="stable")]
        count, newest = FRESH_LIMIT, self._one_of_each(ordered[:FRESH_LIMIT])
        while len(newest) < FRESH_LIMIT and count < len(ordered):
            count *= 8
            newest = self._one_of_each(ordered[:count])[:FRESH_LIMIT]
        self._heap = sorted(zip(uploaded_ms[newest].tolist(), newest.tolist(), strict=True))
        self._newest = None

    def newest(self, shown: NDArray[np.bool_], uploaded_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """One row of each picture, the newest first; at least FRESH_LIMIT / 2 of them where there are as many."""
        if self._newest is None:
            newest = self._noted(shown, uploaded_ms)
            if len(newest) < FRESH_LIMIT // 2 and len(self._heap) == FRESH_LIMIT:
                # Most noted rows are copies, or have left, and the heap lacks the older ones that they displaced.
                self.rebuild(shown, uploaded_ms)
                newest = self._noted(shown, uploaded_ms)
            self._newest = newest
        return self._newest

    def _noted(self, shown: NDArray[np.bool_], uploaded_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        fresh = {row: at for at, row in self._heap if shown[row] and uploaded_ms[row] == at}
        return self._one_of_each(np.array(sorted(fresh, key=lambda row: (-fresh[row], row)), np.int64))
