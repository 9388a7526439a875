"""Which rows of a catalogue show clips, and the places of their key frames in tables that have one row a frame."""

import numpy as np
from numpy.typing import NDArray

from inference.catalog.arrays import room, roomier

_NONE = np.zeros(0, np.int64)


class Places:
    """Gives the frames of each row places, those that are free again first. Not thread-safe."""

    def __init__(self) -> None:
        self._owners = room(np.int64)
        self._used = 0
        self._places: dict[int, NDArray[np.int64]] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        """How many rows show a clip."""
        return len(self._places)

    def __contains__(self, row: int) -> bool:
        """Whether a row shows a clip."""
        return row in self._places

    @property
    def owners(self) -> NDArray[np.int64]:
        """The row whose frame is in each place, -1 in a free one: int64 [m], not a copy."""
        return self._owners[: self._used]

    @property
    def rows(self) -> NDArray[np.int64]:
        """The rows that show a clip, in no order."""
        return np.fromiter(self._places, np.int64, len(self._places))

    @property
    def taken(self) -> NDArray[np.int64]:
        """The places that are not free, ascending."""
        return np.flatnonzero(self.owners >= 0)

    def of(self, row: int) -> NDArray[np.int64]:
        """The places of a row, ascending; none for one without a clip."""
        return self._places.get(row, _NONE)

    def put(self, row: int, count: int) -> NDArray[np.int64]:
        """Give a row this many places, ascending, instead of those that it had."""
        gone = self._places.pop(row, _NONE)
        self._owners[gone] = -1
        self._free += gone.tolist()
        if not count:
            return _NONE
        found = [self._free.pop() for _ in range(min(count, len(self._free)))]
        further = self._used + count - len(found)
        places = np.array(sorted([*found, *range(self._used, further)]), np.int64)
        self._used, self._owners = further, roomier(self._owners, further)
        self._owners[places], self._places[row] = row, places
        return places

    def fill(self, rows: NDArray[np.int64]) -> None:
        """Take the rows of the frames in the places 0 to m - 1, int64 [m], into this empty one."""
        self._used, self._owners = len(rows), roomier(self._owners, len(rows))
        self._owners[: len(rows)] = rows
        order = np.argsort(rows, kind="stable")
        known, starts = np.unique(rows[order], return_index=True)
        self._places = dict(zip(known.tolist(), np.split(order, starts[1:]), strict=bool(len(rows))))
