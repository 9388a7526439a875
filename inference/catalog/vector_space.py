"""The vectors of one encoder: by row of the catalogue, each picture once in an index, and similar rows found before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.item import Item, picture_key
from features.vision.descriptors.fusion import Fusion
from features.vision.descriptors.mix import LOOK, Mix
from inference.catalog.arrays import VectorRows
from inference.catalog.copies import Copies
from inference.catalog.index import HnswIndex, VectorIndex
from inference.catalog.similar_cache import ADDED_LIMIT, SimilarCache
from inference.words.pictures import item_vector

#: Rows that a search for similar rows gives.
SIMILAR_COUNT = 80
#: Items of one picture that a search proposes: of a head that a user must not be shown, another one may be.
_MEMBERS = 4
#: Vectors that are widened at a time, when all are indexed.
_INDEXED_AT_ONCE = 16_384
#: A shared index may lack this many of the latest additions.
_BEHIND = ADDED_LIMIT // 2


@dataclass(frozen=True, slots=True)
class SpaceContents:
    """The contents of a space: `vectors` and the `keys` of pictures by row, and an index of the heads of pictures."""

    encoder: str | None
    vectors: VectorRows
    index: VectorIndex
    keys: NDArray[np.uint64]


class VectorSpace:
    """Vectors that may be compared with each other, in the rows of a catalogue.

    The index has each picture once, while one of its rows can be shown (see `Copies`). Without an `encoder` the first
    item with an embedding of so many dimensions chooses it. With a `mix` of more than the look, a vector is an item's
    embedding joined with its descriptors, and has more `dimensions`. A row without a vector is zero. Not thread-safe.
    """

    def __init__(
        self, dimensions: int, index: VectorIndex | None = None, *, encoder: str | None = None, mix: Mix = LOOK
    ) -> None:
        self._embedding_bytes = 2 * dimensions
        self._fusion = None if mix == LOOK else Fusion(mix, dimensions)
        self.dimensions = dimensions if self._fusion is None else self._fusion.dimensions
        vectors = VectorRows(self.dimensions)
        index = HnswIndex(self.dimensions, vectors) if index is None else index
        self.fill(SpaceContents(encoder, vectors, index, np.zeros(0, np.uint64)), np.zeros(0, np.int64))
        #: What the index does not have yet: the key of a row's picture, and whether it can be shown.
        self._changed: dict[int, tuple[int, bool]] = {}

    def fill(self, contents: SpaceContents, shown: NDArray[np.int64]) -> None:
        """Replace all contents, of which the rows `shown` can be shown; the dimensions must be those of this space."""
        self.encoder = contents.encoder
        self._vectors = contents.vectors
        self._index = contents.index
        self._copies = Copies(contents.keys)
        self._similar = SimilarCache(contents.index, SIMILAR_COUNT, self._copies.is_linked)
        shown = shown[self._copies.keys[shown] != 0]
        indexed = self._index.contains(np.arange(len(contents.keys)))
        heads = self._copies.fill(shown, indexed[shown])
        missing = heads[~indexed[heads]]
        indexed[heads] = False
        self._index.remove(np.flatnonzero(indexed).astype(np.uint64))
        for start in range(0, len(missing), _INDEXED_AT_ONCE):
            part = missing[start : start + _INDEXED_AT_ONCE]
            self._index.add(part.astype(np.uint64), self.vectors(part))

    def contents(self) -> SpaceContents:
        """All contents; the arrays are those of the space, and change with it."""
        return SpaceContents(self.encoder, self._vectors, self._index, self._copies.keys)

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The vectors of rows [...], float32 [..., dimensions]; that of row -1 is arbitrary."""
        return self._vectors[rows]

    def similarities(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine similarity of each row [n] to the nearest of unit vectors [k, dimensions], float32 [n]."""
        return self._vectors.similarities(rows, vectors)

    @property
    def halves(self) -> NDArray[np.uint16]:
        """The vectors of all rows as the bits of float16, uint16 [rows, dimensions]: not a copy."""
        return self._vectors.halves

    @property
    def indexed(self) -> int:
        """How many pictures the index has: all that can be shown, or none where it is elsewhere."""
        return len(self._index)

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The nearest pictures' heads [q, count] of queries [q, dimensions], with similarities; -1 pads."""
        return self._index.search(queries, count)

    def similar(self, rows: Sequence[NDArray[np.int64]], count: int = SIMILAR_COUNT) -> list[NDArray[np.int64]]:
        """For each group of rows, what shows the `count` pictures most similar to each of them, and recent additions.

        SIMILAR_COUNT are remembered; more are searched for every time.
        """
        if count == SIMILAR_COUNT:
            found = self._similar.of(rows, self.vectors)
        else:
            found = [self._index.search(self.vectors(group), count)[0].ravel() for group in rows]
        return [self._copies.members(each, _MEMBERS) for each in found] if self._copies.has_any else found

    def members(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """All rows that can be shown with the pictures of rows [n], where these can be."""
        return self._copies.members(rows, len(self._copies.keys))

    @property
    def pictures(self) -> int:
        """How many pictures can be shown."""
        return len(self._copies)

    def heads(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The head of each picture [n], by `picture_key`; -1 where no row of it can be shown."""
        return self._copies.heads(keys)

    def one_of_each(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first row of each picture among rows [n] that can be shown, each once, in their order.

        Rows without a picture are no copies of each other: all stay.
        """
        return self._copies.one_of_each(rows)

    def has(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row [n] has a vector."""
        found: NDArray[np.bool_] = self._copies.keys[rows] != 0
        return found

    @property
    def vectors_held(self) -> int:
        """How many rows have a vector; looks at every row."""
        return int(np.count_nonzero(self._copies.keys))

    @property
    def shown(self) -> int:
        """How many rows that can be shown have a vector."""
        return self._copies.linked

    @property
    def additions(self) -> int:
        """How many pictures were added to the index."""
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
        return embedding if embedding is not None and len(embedding) == self._embedding_bytes else None

    def vector_of(self, item: Item) -> bytes | None:
        """The item's vector in this space, as little-endian float16 [dimensions].

        None as in `embedding_of`; but where the mix has words, those of an item without a picture are enough.
        """
        embedding = self.embedding_of(item)
        if self._fusion is None:
            return embedding
        words = item_vector(item) if self._fusion.has_words else None
        if embedding is None and words is None:
            return None
        return self._fusion.fuse(embedding, None if embedding is None else item.descriptors, words)

    def comparable_encoder(self, item: Item) -> str | None:
        """The first encoder among the item's whose vectors have the length of this space's; None without one."""
        return next(
            (name for name, each in item.embeddings.items() if name and len(each) == self._embedding_bytes), None
        )

    def put(self, row: int, embedding: bytes | None, *, is_shown: bool) -> None:
        """Write a row's vector, or remove it for None; the index follows with the next `update_index`."""
        if embedding is None:
            self.remove(row)
            return
        self._vectors.replace(row, embedding)
        self._changed[row] = (picture_key(embedding), is_shown)

    def show(self, rows: NDArray[np.int64], shown: NDArray[np.bool_]) -> None:
        """Say of rows [n] whether they can be shown now; the index follows with the next `update_index`."""
        known = zip(rows.tolist(), self._copies.keys[rows].tolist(), shown.tolist(), strict=True)
        self._changed |= {row: (key, is_shown and key != 0) for row, key, is_shown in known}

    def remove(self, row: int) -> None:
        """Remove a row's vector; the index follows with the next `update_index`."""
        self._vectors.replace(row, bytes(2 * self.dimensions))
        self._changed[row] = (0, False)

    def update_index(self) -> None:
        """Bring the index up to date with the rows that were written."""
        rows = np.array([*self._changed], np.int64)
        keys = np.array([key for key, _ in self._changed.values()], np.uint64)
        linked = np.array([is_shown for _, is_shown in self._changed.values()], np.bool_)
        self._similar.forget(rows[self._copies.keys_of(rows) != keys].tolist())
        gone, new = self._copies.update(rows, keys, linked)
        self._index.remove(gone.astype(np.uint64))
        self._index.add(new.astype(np.uint64), self.vectors(new))
        self._similar.moved(len(gone), new.tolist())
        self._changed.clear()
