"""The rows of the latest uploads, without a look at every row for each list."""

from heapq import heappush, heappushpop

import numpy as np
from numpy.typing import NDArray

FRESH_LIMIT = 256


class FreshRows:
    """A heap of the FRESH_LIMIT latest uploads; what left the catalogue since is passed over when it is read."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int]] = []
        self._newest: NDArray[np.int64] | None = None

    def changed(self) -> None:
        """The catalogue is about to change: sort again before the next answer."""
        self._newest = None

    def note(self, row: int, at_ms: int) -> None:
        """Note the upload of a row that became available."""
        if len(self._heap) < FRESH_LIMIT:
            heappush(self._heap, (at_ms, row))
        else:
            heappushpop(self._heap, (at_ms, row))

    def rebuild(self, available: NDArray[np.bool_], uploaded_ms: NDArray[np.int64]) -> None:
        """Note the latest uploads of all available rows, and nothing else."""
        rows = np.flatnonzero(available)
        newest = rows[np.argsort(-uploaded_ms[rows], kind="stable")[:FRESH_LIMIT]]
        self._heap = sorted(zip(uploaded_ms[newest].tolist(), newest.tolist(), strict=True))
        self._newest = None

    def newest(self, available: NDArray[np.bool_], uploaded_ms: NDArray[np.int64]) -> NDArray[np.int64]:
        """The available rows, latest upload first; at least FRESH_LIMIT / 2 of them where there are as many."""
        if self._newest is None:
            fresh = self._fresh(available, uploaded_ms)
            if len(fresh) < FRESH_LIMIT // 2 and len(self._heap) == FRESH_LIMIT:
                # Most noted rows have changed or left, and the heap lacks the older ones that they displaced.
                self.rebuild(available, uploaded_ms)
                fresh = self._fresh(available, uploaded_ms)
            self._newest = np.array(sorted(fresh, key=lambda row: (-fresh[row], row)), np.int64)
        return self._newest

    def _fresh(self, available: NDArray[np.bool_], uploaded_ms: NDArray[np.int64]) -> dict[int, int]:
        return {row: at for at, row in self._heap if available[row] and uploaded_ms[row] == at}
