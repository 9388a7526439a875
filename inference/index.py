"""Nearest vectors: the interface, and the HNSW index in the worker's memory."""

from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index, Matches

#: From so many vectors on all cores add them, and each looks at half as many candidates for its neighbours: 100,000
#: are then added in a third of the time, with a recall at 50 that is 0.003 lower.
BULK: Final = 512
_EXPANSION_ADD: Final = 128
_EXPANSION_BULK: Final = 64


class VectorIndex(Protocol):
    """Unit vectors by row number, searched by cosine similarity."""

    def add(self, rows: NDArray[np.uint64], vectors: NDArray[np.float32]) -> None:
        """Add vectors [n, d], replacing those of rows that are already there."""
        ...

    def remove(self, rows: NDArray[np.uint64]) -> None:
        """Take rows out; those that are not there are passed over."""
        ...

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The `count` nearest rows [q, count] of queries [q, d] and their similarities, nearest first; -1 pads."""
        ...

    def __len__(self) -> int: ...


class HnswIndex:
    """A usearch index of float16 vectors (HNSW: Malkov & Yashunin 2016, arXiv:1603.09320)."""

    def __init__(self, dimensions: int, *, connectivity: int = 32, expansion_search: int = 96) -> None:
        self._index = Index(
            ndim=dimensions,
            metric="ip",
            dtype="f16",
            connectivity=connectivity,
            expansion_add=_EXPANSION_ADD,
            expansion_search=expansion_search,
        )
        #: What a file must have been made with to be loaded.
        self.kind = f"usearch ip f16 {dimensions} {connectivity}"

    def save(self, path: Path) -> None:
        """Write the index to a file, in one go in which no other thread of the process runs."""
        self._index.save(path)

    def load(self, path: Path) -> None:
        """Take over an index of the same `kind` from a file; whatever usearch raises when it is none leaves here."""
        self._index.load(path)

    def add(self, rows: NDArray[np.uint64], vectors: NDArray[np.float32]) -> None:
        """See VectorIndex."""
        self.remove(rows)
        is_bulk = len(rows) >= BULK
        expansion = _EXPANSION_BULK if is_bulk else _EXPANSION_ADD
        self._index.expansion_add = expansion  # type: ignore[misc]  # it has a setter that mypy does not see
        self._index.add(rows, vectors, threads=0 if is_bulk else 1)

    def remove(self, rows: NDArray[np.uint64]) -> None:
        """See VectorIndex."""
        present = rows[np.atleast_1d(self._index.contains(rows))]
        if len(present):
            self._index.remove(present)

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See VectorIndex."""
        rows = np.full((len(queries), count), -1, np.int64)
        similarities = np.full((len(queries), count), -1.0, np.float32)
        if len(queries) and len(self):
            found = self._index.search(queries, count, threads=1)
            for at, matches in enumerate([found] if isinstance(found, Matches) else found):
                rows[at, : len(matches)] = matches.keys
                similarities[at, : len(matches)] = 1.0 - matches.distances
        return rows, similarities

    def __len__(self) -> int:
        return len(self._index)
