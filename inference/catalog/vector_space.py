"""The vectors of one encoder: by row of the catalogue, in an index, and the similar rows found before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from inference.catalog.arrays import VectorRows
from inference.catalog.index import HnswIndex, VectorIndex
from inference.catalog.similar_cache import ADDED_LIMIT, SimilarCache

#: Rows that a search for similar rows gives.
SIMILAR_COUNT = 80
#: A shared index may lack this many of the latest additions.
_BEHIND = ADDED_LIMIT // 2


@dataclass(frozen=True, slots=True)
class SpaceContents:
    """The contents of a space: `vectors` by row, and an index of the rows that are available."""

    encoder: str | None
    vectors: VectorRows
    index: VectorIndex


class VectorSpace:
    """Vectors that may be compared with each other, in the rows of a catalogue; the available ones are in the index.

    Without an `encoder` the first item with an embedding of `dimensions` chooses it. A row without a vector is zero.
    Not thread-safe.
    """

    def __init__(self, dimensions: int, index: VectorIndex | None = None, *, encoder: str | None = None) -> None:
        self.dimensions = dimensions
        vectors = VectorRows(dimensions)
        self.fill(SpaceContents(encoder, vectors, HnswIndex(dimensions, vectors) if index is None else index))
        #: What the index does not have yet, by row.
        self._removed: list[int] = []
        self._added: list[int] = []

    def fill(self, contents: SpaceContents) -> None:
        """Replace all contents; the dimensions must be those of this space."""
        self.encoder = contents.encoder
        self._vectors = contents.vectors
        self._index = contents.index
        self._similar = SimilarCache(contents.index, SIMILAR_COUNT)

    def contents(self) -> SpaceContents:
        """All contents; the arrays are those of the space, and change with it."""
        return SpaceContents(self.encoder, self._vectors, self._index)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of rows [...], float32 [..., dimensions]; that of row -1 is arbitrary."""
        return self._vectors[rows]

    @property
    def halves(self) -> NDArray[np.uint16]:
        """The vectors of all rows as the bits of float16, uint16 [rows, dimensions]: not a copy."""
        return self._vectors.halves

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The nearest available rows [q, count] of queries [q, dimensions], with similarities; -1 pads."""
        return self._index.search(queries, count)

    def similar(self, rows: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """For each group of rows, the SIMILAR_COUNT rows most similar to each of them, and recent additions.

        Some of them may have been removed since.
        """
        return self._similar.of(rows, self.vectors)

    @property
    def additions(self) -> int:
        """How many vectors were added to the index."""
        return self._similar.additions

    def unknown_similar(self, rows: Sequence[NDArray[np.int64]]) -> list[int]:
        """The rows of several groups whose similar rows are not known: a shared index is asked for them."""
        return self._similar.unknown(rows)

    def learn_similar(self, row: int, nearest: NDArray[np.int64], additions: int) -> None:
        """Keep what a shared index found for a row; it was asked after this many additions here."""
        self._similar.learn(row, nearest, max(additions - _BEHIND, 0))

    def embedding_of(self, item: Item) -> bytes | None:
        """The item's embedding by the encoder of this space; None where it has none, or one of another length.

        Chooses the encoder of a space that has none.
        """
        self.encoder = self.encoder or self.comparable_encoder(item)
        embedding = item.embeddings.get(self.encoder or "")
        return embedding if embedding is not None and len(embedding) == 2 * self.dimensions else None

    def comparable_encoder(self, item: Item) -> str | None:
        """The first encoder among the item's whose vectors have the length of this space's; None without one."""
        return next((name for name, each in item.embeddings.items() if name and len(each) == 2 * self.dimensions), None)

    def put(self, row: int, embedding: bytes | None, *, is_available: bool, was_available: bool) -> None:
        """Write a row's vector, or remove it for None; the index follows with the next `update_index`."""
        if embedding is None:
            self.remove(row)
            return
        is_new = self._vectors.replace(row, embedding)
        if not is_available:
            self._removed.append(row)
        elif is_new or not was_available:
            self._added.append(row)

    def remove(self, row: int) -> None:
        """Remove a row's vector; the index follows with the next `update_index`."""
        # A vector that comes back must be seen to be new.
        self._vectors.replace(row, bytes(2 * self.dimensions))
        self._removed.append(row)

    def update_index(self) -> None:
        """Bring the index up to date with the rows that were written."""
        # In this order: a row that one item left may belong to another item by now.
        self._index.remove(np.array(self._removed, np.uint64))
        self._index.add(np.array(self._added, np.uint64), self.vectors(np.array(self._added, np.int64)))
        self._similar.added(self._added)
        self._removed, self._added = [], []
