"""The vectors of clips' key frames, beside the one vector that each clip has as an item has one (docs/adr/0040)."""

import numpy as np
from numpy.typing import NDArray

from inference.catalog.arrays import VectorRows, best_of
from inference.catalog.clips.places import Places


class ClipFrames:
    """Up to 16 vectors of each row of a catalogue that shows a clip; every search compares all. Not thread-safe."""

    def __init__(self, dimensions: int) -> None:
        self._vectors = VectorRows(dimensions)
        self._places = Places()

    def __len__(self) -> int:
        """How many rows show a clip."""
        return len(self._places)

    def put(self, row: int, vectors: NDArray[np.float32]) -> None:
        """Write the frames of a row [n, dimensions], instead of those that it had; none for a row without a clip."""
        if len(vectors) or row in self._places:
            self._vectors.put(self._places.put(row, len(vectors)), vectors)

    def likeness(self, rows: NDArray[np.int64], queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of the most similar frame of each row [n] and any query [k, dimensions]; -1 without a clip."""
        found = np.full(len(rows), -1, np.float32)
        if not len(self._places):
            return found
        with_clip = np.flatnonzero(np.isin(rows, self._places.rows))
        for number, row in zip(with_clip.tolist(), rows[with_clip].tolist(), strict=True):
            found[number] = self._vectors.similarities(self._places.of(row), queries).max()
        return found

    def nearest(self, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
        """The rows of up to `count` clips whose frames are nearest to any query [k, dimensions], the nearest first."""
        places = self._places.taken
        if not len(places):
            return places
        similarities, owners = self._vectors.similarities(places, queries), self._places.owners[places]
        rows, number = np.unique(owners, return_inverse=True)
        best = np.full(len(rows), -1, np.float32)
        np.maximum.at(best, number, similarities)
        nearest: NDArray[np.int64] = rows[best_of(best, count)]
        return nearest

    def stored(self) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """The row of each frame [m], and the frames [m, dimensions]."""
        owners, places = self._places.owners, self._places.taken
        return owners[places], self._vectors.stored(len(owners))[places]

    def fill(self, rows: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        """Take what `stored` gave into these empty ones."""
        self._vectors.put(np.arange(len(rows)), vectors)
        self._places.fill(rows)
