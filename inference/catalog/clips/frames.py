"""The vectors of clips' key frames, beside the one vector that each clip has as an item has one (docs/adr/0040)."""

import numpy as np
from numpy.typing import NDArray

from inference.catalog.arrays import VectorRows, best_of


class ClipFrames:
    """Up to 16 vectors of each row of a catalogue that shows a clip; every search compares all. Not thread-safe."""

    def __init__(self, dimensions: int) -> None:
        self._vectors = VectorRows(dimensions)
        #: The row whose frame is in each place, -1 where there is none, and the places of each row.
        self._owners = np.zeros(0, np.int64)
        self._places: dict[int, NDArray[np.int64]] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        """How many rows show a clip."""
        return len(self._places)

    def put(self, row: int, vectors: NDArray[np.float32]) -> None:
        """Write the frames of a row [n, dimensions], instead of those that it had; none for a row without a clip."""
        gone = self._places.pop(row, None)
        if gone is not None:
            self._owners[gone] = -1
            self._free += gone.tolist()
        if not len(vectors):
            return
        if len(vectors) > len(self._free):
            # By half of what there is, so that many clips do not copy all owners for each.
            more = max(len(vectors), len(self._owners) // 2)
            self._free += range(len(self._owners) + more - 1, len(self._owners) - 1, -1)
            self._owners = np.concatenate((self._owners, np.full(more, -1, np.int64)))
        places = np.array([self._free.pop() for _ in vectors], np.int64)
        self._vectors.put(places, vectors)
        self._owners[places], self._places[row] = row, places

    def likeness(self, rows: NDArray[np.int64], queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of the most similar frame of each row [n] and any query [k, dimensions]; -1 without a clip."""
        found = np.full(len(rows), -1, np.float32)
        if not self._places:
            return found
        with_clip = np.flatnonzero(np.isin(rows, np.fromiter(self._places, np.int64, len(self._places))))
        for number, row in zip(with_clip.tolist(), rows[with_clip].tolist(), strict=True):
            found[number] = self._vectors.similarities(self._places[row], queries).max()
        return found

    def nearest(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """The rows of up to `count` clips whose frames are nearest to any query [k, dimensions], the nearest first."""
        places = np.flatnonzero(self._owners >= 0)
        if not len(places):
            return places
        similarities, owners = self._vectors.similarities(places, queries), self._owners[places]
        rows, number = np.unique(owners, return_inverse=True)
        best = np.full(len(rows), -1, np.float32)
        np.maximum.at(best, number, similarities)
        nearest: NDArray[np.int64] = rows[best_of(best, count)]
        return nearest

    def stored(self) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """The row of each frame [m], and the frames [m, dimensions]."""
        places = np.flatnonzero(self._owners >= 0)
        return self._owners[places], self._vectors.stored(int(places.max(initial=-1)) + 1)[places]

    def fill(self, rows: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        """Take what `stored` gave into these empty ones."""
        self._vectors.put(np.arange(len(rows)), vectors)
        self._owners = rows.astype(np.int64)
        self._free = []
        order = np.argsort(rows, kind="stable")
        known, starts = np.unique(rows[order], return_index=True)
        self._places = dict(zip(known.tolist(), np.split(order, starts[1:]), strict=bool(len(rows))))
