"""Nearest vectors: the interface, the HNSW index in the worker's memory, and an index that finds nothing."""

from pathlib import Path
from typing import Final, Protocol

import numkong
import numpy as np
from numpy.typing import NDArray
from usearch.index import Index, Matches

from inference.catalog.arrays import VectorRows, best_of, room, roomier

#: From this many vectors on, all cores add them, and each vector looks at half as many candidates for its neighbours:
#: adding 100,000 takes a third of the time, and recall at 50 is 0.003 lower.
BULK: Final = 512
_EXPANSION_ADD: Final = 128
_EXPANSION_BULK: Final = 64
#: The least number of candidates beyond those asked for: 8-bit codes rank near vectors badly.
_SPARE: Final = 14
#: The largest factor by which removed rows widen a search; beyond it all rows that are left are compared.
_WIDER_LIMIT: Final = 10.0


class VectorIndex(Protocol):
    """Unit vectors by row number, searched by cosine similarity."""

    def add(self, rows: NDArray[np.uint64], vectors: NDArray[np.float32]) -> None:
        """Add vectors [n, d], replacing those of rows that are already there."""
        ...

    def remove(self, rows: NDArray[np.uint64]) -> None:
        """Remove rows; those that are not there are passed over."""
        ...

    def contains(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Whether each row [n] is there."""
        ...

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `count` nearest rows [q, count] of queries [q, d] and their similarities, nearest first; -1 pads."""
        ...

    def __len__(self) -> int: ...


class HnswIndex:
    """A usearch index of 8-bit codes (HNSW: Malkov & Yashunin 2016, arXiv:1603.09320) with exact similarities.

    The codes give somewhat more candidates than asked for, and the exact vectors in `vectors` order them. A random
    rotation before coding spreads each vector evenly over its components, so that one scale fits all.
    """

    def __init__(
        self,
        dimensions: int,
        vectors: VectorRows | None = None,
        *,
        connectivity: int = 30,
        expansion_search: int = 88,
    ) -> None:
        self._index = Index(
            ndim=dimensions,
            metric="ip",
            dtype="i8",
            connectivity=connectivity,
            expansion_add=_EXPANSION_ADD,
        )
        self._expansion_search = expansion_search
        #: The most rows that the graph ever held: a removed row stays in it until a new one takes its place.
        self._nodes = 0
        #: Which rows are there.
        self._present = room(np.bool_)
        self._vectors = VectorRows(dimensions) if vectors is None else vectors
        # Codes are 3.5 standard deviations wide; components beyond are clipped.
        self._coding = _rotation(dimensions) * np.float32(127 / 3.5 * np.sqrt(dimensions))
        #: Only a file of the same kind can be loaded.
        self.kind = f"usearch ip i8 rotated {dimensions} {connectivity}"

    def save(self, path: Path) -> None:
        """Write the index without the exact vectors; no other thread of the process runs meanwhile."""
        self._index.save(path)

    def load(self, path: Path) -> None:
        """Load an index of the same `kind` from a file; raises what usearch raises for a file that is none."""
        self._index.load(path)
        self._nodes = self._index.stats.nodes
        rows = np.asarray(self._index.keys[:], np.int64)
        self._present = roomier(self._present, int(rows.max(initial=-1)) + 1)
        self._present[rows] = True

    def add(self, rows: NDArray[np.uint64], vectors: NDArray[np.float32]) -> None:
        """See VectorIndex."""
        if not len(rows):
            return
        self.remove(rows)
        self._present = roomier(self._present, int(rows.max()) + 1)
        self._present[rows] = True
        self._vectors.put(rows, vectors)
        is_bulk = len(rows) >= BULK
        expansion = _EXPANSION_BULK if is_bulk else _EXPANSION_ADD
        self._index.expansion_add = expansion  # type: ignore[misc]  # it has a setter that mypy does not see
        self._index.add(rows, self._codes(vectors), threads=0 if is_bulk else 1)
        self._nodes = max(self._nodes, len(self))

    def remove(self, rows: NDArray[np.uint64]) -> None:
        """See VectorIndex."""
        present = rows[self.contains(rows)]
        if len(present):
            self._index.remove(present)
            self._present[present] = False

    def contains(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """See VectorIndex."""
        return self._present.take(rows, mode="clip") & (rows < len(self._present))

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See VectorIndex."""
        rows = np.full((len(queries), count), -1, np.int64)
        similarities = np.full((len(queries), count), -1.0, np.float32)
        for at, near in enumerate(self._near(queries, count)):
            exact = self._vectors.similarities(near, queries[at : at + 1])
            best = best_of(exact, count)
            rows[at, : len(best)] = near[best]
            similarities[at, : len(best)] = exact[best]
        return rows, similarities

    def _near(self, queries: NDArray[np.float32], count: int) -> list[NDArray[np.int64]]:
        """For each query somewhat more than `count` rows, among which are nearly all of the nearest."""
        if not (len(queries) and len(self)):
            return []
        # A search also visits removed rows; it must see as many others as without them.
        wider = self._nodes / len(self)
        if wider > _WIDER_LIMIT:
            # Looking at the few that are left takes less time, and misses none.
            return [np.flatnonzero(self._present)] * len(queries)
        self._index.expansion_search = round(self._expansion_search * wider)  # type: ignore[misc]  # as above
        found = self._index.search(self._codes(queries), count + max(count // 4, _SPARE), threads=1)
        return [each.keys.astype(np.int64) for each in ([found] if isinstance(found, Matches) else found)]

    def __len__(self) -> int:
        return len(self._index)

    def _codes(self, vectors: NDArray[np.float32]) -> NDArray[np.int8]:
        codes = np.empty(vectors.shape, np.int8)
        numkong.astype(vectors @ self._coding, "int8", out=codes)  # rounds and clips
        return codes


class NullIndex:
    """A VectorIndex that keeps and finds nothing: for a space whose index is shared, and asked beforehand."""

    def add(self, rows: NDArray[np.uint64], vectors: NDArray[np.float32]) -> None:
        """See VectorIndex."""

    def remove(self, rows: NDArray[np.uint64]) -> None:
        """See VectorIndex."""

    def contains(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """See VectorIndex."""
        return np.zeros(len(rows), np.bool_)

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See VectorIndex."""
        return np.full((len(queries), count), -1, np.int64), np.full((len(queries), count), -1.0, np.float32)

    def __len__(self) -> int:
        return 0


def _rotation(dimensions: int) -> NDArray[np.float32]:
    """A random rotation, the same on every machine: QR leaves the signs open, so they are fixed here."""
    orthogonal, triangular = np.linalg.qr(np.random.default_rng(0).standard_normal((dimensions, dimensions)))
    rotation: NDArray[np.float32] = (orthogonal * np.sign(np.diag(triangular))).astype(np.float32)
    return rotation
