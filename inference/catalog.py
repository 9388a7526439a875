"""The catalogue in the worker's memory: a replica of state.catalog, so that ranking asks nobody (docs/adr/0003)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappush, heappushpop

import numpy as np
from numpy.typing import DTypeLike, NDArray

from features.item import Item, key_of
from features.visual import COLOUR_NAMES
from inference.index import HnswIndex, VectorIndex
from inference.lookalikes import ADDED_LIMIT, Lookalikes

FRESH_LIMIT = 256
#: The arrays with one row an item, by name.
COLUMNS = ("keys", "owners", "categories", "prices", "uploaded_ms", "expires_ms", "available", "colours")
#: How many look-alikes of an item are asked for.
LOOKALIKES = 80
#: An index that others keep may be so many items behind.
_BEHIND = ADDED_LIMIT // 2
_NEVER = np.iinfo(np.int64).max
#: What fits into `prices`.
PRICIEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """How many items the replica has, by state."""

    searchable: int
    unavailable: int
    other_encoder: int


@dataclass(frozen=True, slots=True)
class Contents:
    """All that a catalogue holds: `columns` by name and `vectors` have a row for each of `item_ids`.

    `index` has the rows that are available, `free` are rows without an item. `others` are items without a row: id, key
    of the owner, encoder (None: its vectors have another length).
    """

    encoder: str | None
    item_ids: Sequence[str]
    category_names: Sequence[str]
    free: Sequence[int]
    others: Sequence[tuple[str, int, str | None]]
    columns: Mapping[str, NDArray[np.generic]]
    vectors: NDArray[np.floating]
    index: VectorIndex


class Catalog:
    """Items as rows of arrays, and their vectors in an index that holds the available ones.

    One row an item: `keys`, `owners` uint64 (keys of ids; owner 0: none), `categories` int32 (-1: none), `prices`
    float32 (NaN: none), `uploaded_ms` and `expires_ms` int64, `available` bool, `colours` float32 [17] (the shares of
    COLOUR_NAMES as a unit vector). Vectors of one encoder only, of the first item's where none is given: what another
    made is known, not searchable.
    Not thread-safe: rows change between two calls of `apply` only.
    """

    def __init__(self, dimensions: int, index: VectorIndex | None = None, *, encoder: str | None = None) -> None:
        self.dimensions = dimensions
        self.encoder = encoder
        self.item_ids: list[str] = []
        self.keys = np.zeros(0, np.uint64)
        self.owners = np.zeros(0, np.uint64)
        self.categories = np.zeros(0, np.int32)
        self.prices = np.zeros(0, np.float32)
        self.uploaded_ms = np.zeros(0, np.int64)
        self.expires_ms = np.zeros(0, np.int64)
        self.available = np.zeros(0, np.bool_)
        self.colours = np.zeros((0, len(COLOUR_NAMES)), np.float32)
        self._vectors = np.zeros((0, dimensions), np.float32)
        self._index: VectorIndex = HnswIndex(dimensions) if index is None else index
        self._lookalikes = Lookalikes(self._index, LOOKALIKES)
        self._rows: dict[int, int] = {}
        self._free: list[int] = []
        #: Items of other encoders, as in Contents, and how many of each.
        self._others: dict[int, tuple[str, int, str | None]] = {}
        self._other_encoders: Counter[str] = Counter()
        self._category_codes: dict[str, int] = {}
        self.category_names: list[str] = []
        self._fresh: list[tuple[int, int]] = []
        self._freshest: NDArray[np.int64] | None = None

    def apply(self, changes: Iterable[tuple[str, Item | None]]) -> None:
        """Bring the replica up to date with records of the catalogue, in their order; None is a tombstone."""
        gone: list[int] = []
        moved: list[int] = []
        self._freshest = None
        for item_id, item in dict(changes).items():
            self._apply(key_of(item_id), item, gone, moved)
        # In this order: a row that one item left may be another's by now.
        self._index.remove(np.array(gone, np.uint64))
        self._index.add(np.array(moved, np.uint64), self.vectors(np.array(moved, np.int64)))
        self._lookalikes.added(moved)

    def rows_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each item key [n], int64 [n]; -1 for an item that is not here."""
        get = self._rows.get
        return np.fromiter((get(key, -1) for key in keys.tolist()), np.int64, len(keys))

    def row_of(self, item_id: str) -> int | None:
        """The row of an item, or None."""
        return self._rows.get(key_of(item_id))

    def owned_by(self, owner: int) -> list[str]:
        """The ids of all items of the user with this key; looks at every row."""
        rows = np.flatnonzero(self.owners == np.uint64(owner)).tolist()
        owned = [self.item_ids[row] for row in rows if self._rows.get(int(self.keys[row])) == row]
        return owned + [item_id for item_id, key, _ in self._others.values() if key == owner]

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings of rows [n], float32 [n, dimensions]."""
        return self._vectors[rows]

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The nearest available rows [q, count] of queries [q, dimensions], with similarities; -1 pads."""
        return self._index.search(queries, count)

    def lookalikes(self, rows: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """For each of several groups of rows those that look most like any of it: LOOKALIKES of each, and what is new.

        Some may have been taken away since.
        """
        return self._lookalikes.of(rows, self.vectors)

    @property
    def additions(self) -> int:
        """How often an item was given a vector that can be found."""
        return self._lookalikes.additions

    def unknown_lookalikes(self, rows: Sequence[NDArray[np.int64]]) -> list[int]:
        """The rows of several groups whose look-alikes are not known: an index that others keep is asked for them."""
        return self._lookalikes.unknown(rows)

    def learn_lookalikes(self, found: Mapping[int, NDArray[np.uint64]], additions: int) -> None:
        """What others' index found for items, both by key, when it was asked after so many additions here."""
        for key, nearest in found.items():
            row = self._rows.get(key)
            if row is not None:
                rows = self.rows_of(nearest)
                self._lookalikes.learn(row, rows[rows >= 0], max(additions - _BEHIND, 0))

    def category_code(self, name: str) -> int | None:
        """The code of a category in `categories`; None where no item ever had it."""
        return self._category_codes.get(name)

    def freshest(self, count: int) -> NDArray[np.int64]:
        """The rows of the latest uploads that are available, the newest first; FRESH_LIMIT / 2 at most are certain."""
        if self._freshest is None:
            fresh = self._still_fresh()
            if len(fresh) < FRESH_LIMIT // 2 and len(self._fresh) == FRESH_LIMIT:
                # Much of what was noted has been replaced or taken away: what it had pushed out counts again.
                self._fresh = self._newest()
                fresh = self._still_fresh()
            self._freshest = np.array(sorted(fresh, key=lambda row: (-fresh[row], row)), np.int64)
        return self._freshest[:count]

    def counts(self) -> CatalogCounts:
        """How many items there are, by state."""
        searchable = int(np.count_nonzero(self.available))
        others = len(self._others)
        return CatalogCounts(searchable, len(self._rows) - searchable, others)

    def prevailing_encoder(self) -> str | None:
        """The encoder of most items whose vectors have our length; ours where none has more."""
        for encoder, count in self._other_encoders.most_common(1):
            if count > len(self._rows):
                return encoder
        return self.encoder

    def contents(self) -> Contents:
        """All that `fill` takes; the arrays are ours, and change with the next `apply`."""
        count = len(self.item_ids)
        return Contents(
            encoder=self.encoder,
            item_ids=self.item_ids,
            category_names=self.category_names,
            free=self._free,
            others=list(self._others.values()),
            columns={name: getattr(self, name)[:count] for name in COLUMNS},
            vectors=self._vectors[:count],
            index=self._index,
        )

    def fill(self, contents: Contents) -> None:
        """Take over what another catalogue held, into this empty one."""
        count = len(contents.item_ids)
        self.encoder = contents.encoder
        self.item_ids = list(contents.item_ids)
        self.category_names = list(contents.category_names)
        self._category_codes = {name: code for code, name in enumerate(self.category_names)}
        # Room for what comes next, since moving a million vectors takes a while.
        self._grow(count + max(1024, count // 4))
        for name, column in contents.columns.items():
            getattr(self, name)[:count] = column
        self._vectors[:count] = contents.vectors
        self._free = list(contents.free)
        # A free row may still have the key of an item that has another row by now.
        used = np.setdiff1d(np.arange(count), self._free)
        self._rows = dict(zip(self.keys[used].tolist(), used.tolist(), strict=True))
        for item_id, owner, encoder in contents.others:
            self._note_other(key_of(item_id), item_id, owner, encoder)
        self._fresh = self._newest()
        self._freshest = None
        self._index = contents.index
        self._lookalikes = Lookalikes(self._index, LOOKALIKES)

    def _note_other(self, key: int, item_id: str, owner: int, encoder: str | None) -> None:
        self._others[key] = (item_id, owner, encoder)
        if encoder is not None:
            self._other_encoders[encoder] += 1

    def _forget_other(self, key: int) -> None:
        _, _, encoder = self._others.pop(key, ("", 0, None))
        if encoder is not None:
            self._other_encoders[encoder] -= 1

    def _apply(self, key: int, item: Item | None, gone: list[int], moved: list[int]) -> None:
        """Bring one row up to date; notes it if it must leave the index, or enter it with another vector."""
        if key in self._others:
            self._forget_other(key)
        if item is not None and item.embedding is not None:
            if self._fits(item, item.embedding):
                self._write(key, item, gone, moved)
                return
            comparable = len(item.embedding) == 2 * self.dimensions
            self._note_other(key, item.item_id, _owner(item), item.encoder if comparable else None)
        row = self._rows.pop(key, None)
        if row is not None:
            self.available[row] = False
            self._free.append(row)
            gone.append(row)

    def _fits(self, item: Item, embedding: bytes) -> bool:
        if len(embedding) != 2 * self.dimensions:
            return False
        self.encoder = self.encoder or item.encoder
        return item.encoder == self.encoder

    def _write(self, key: int, item: Item, gone: list[int], moved: list[int]) -> None:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = self._free.pop() if self._free else self._new_row()
        available = item.in_stock and not item.hidden
        vector = item.vector()
        if not available:
            gone.append(row)
        elif not self.available[row] or not np.array_equal(self._vectors[row], vector):
            moved.append(row)
        if available and not (self.available[row] and self.uploaded_ms[row] == item.uploaded_at_ms):
            self._note_upload(row, item.uploaded_at_ms)
        self.item_ids[row] = item.item_id
        self.keys[row] = key
        self.owners[row] = _owner(item)
        self.categories[row] = self._category(item.category)
        self.prices[row] = np.nan if item.price is None else min(item.price, PRICIEST)
        self.uploaded_ms[row] = item.uploaded_at_ms
        self.expires_ms[row] = _NEVER if item.expires_at_ms is None else item.expires_at_ms
        self.available[row] = available
        self.colours[row] = _colour_vector(item)
        self._vectors[row] = vector

    def _note_upload(self, row: int, at_ms: int) -> None:
        if len(self._fresh) < FRESH_LIMIT:
            heappush(self._fresh, (at_ms, row))
        else:
            heappushpop(self._fresh, (at_ms, row))

    def _still_fresh(self) -> dict[int, int]:
        return {row: at for at, row in self._fresh if self.available[row] and self.uploaded_ms[row] == at}

    def _newest(self) -> list[tuple[int, int]]:
        """The latest uploads of all that is available, as a heap."""
        rows = np.flatnonzero(self.available)
        newest = rows[np.argsort(-self.uploaded_ms[rows], kind="stable")[:FRESH_LIMIT]]
        return sorted(zip(self.uploaded_ms[newest].tolist(), newest.tolist(), strict=True))

    def _new_row(self) -> int:
        row = len(self.item_ids)
        if row == len(self.keys):
            self._grow(max(1024, 2 * row))
        self.item_ids.append("")
        return row

    def _grow(self, size: int) -> None:
        def grown(array: NDArray[np.generic], dtype: DTypeLike) -> NDArray[np.generic]:
            larger = np.zeros((size, *array.shape[1:]), dtype)
            larger[: len(array)] = array
            return larger

        for name in (*COLUMNS, "_vectors"):
            array = getattr(self, name)
            setattr(self, name, grown(array, array.dtype))

    def _category(self, name: str | None) -> int:
        if name is None:
            return -1
        code = self._category_codes.setdefault(name, len(self.category_names))
        if code == len(self.category_names):
            self.category_names.append(name)
        return code


def _owner(item: Item) -> int:
    return 0 if item.owner is None else key_of(item.owner)


def _colour_vector(item: Item) -> NDArray[np.float32]:
    vector = np.zeros(len(COLOUR_NAMES), np.float32)
    for name, share in item.colours:
        if name in COLOUR_NAMES:
            vector[COLOUR_NAMES.index(name)] = share
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
