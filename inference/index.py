"""Nearest vectors: the interface, and the HNSW index in the worker's memory."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index, Matches


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
            ndim=dimensions, metric="ip", dtype="f16", connectivity=connectivity, expansion_search=expansion_search
        )

    def add(self, rows: NDArray[np.uint64], vectors: NDArray[np.float32]) -> None:
        """See VectorIndex."""
        self.remove(rows)
        self._index.add(rows, vectors, threads=1)

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
