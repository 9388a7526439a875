"""The catalogue in the worker's memory: a replica of state.catalog, so that ranking asks nobody (docs/adr/0003)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappush, heappushpop

import numpy as np
from numpy.typing import NDArray

from features.item import Item, key_of
from features.vision.colours import COLOUR_NAMES
from inference.catalog.arrays import VectorRows, room, roomier
from inference.catalog.index import HnswIndex, VectorIndex
from inference.catalog.item_ids import ItemIds
from inference.catalog.key_table import KeyedRows
from inference.catalog.similar_cache import ADDED_LIMIT, SimilarCache

FRESH_LIMIT = 256
#: The arrays with one row an item, by name.
COLUMNS = ("keys", "owners", "categories", "prices", "uploaded_ms", "expires_ms", "available")
#: How many look-alikes of an item are asked for.
SIMILAR_COUNT = 80
#: An index that others keep may be so many items behind.
_BEHIND = ADDED_LIMIT // 2
_NEVER = np.iinfo(np.int64).max
#: Columns become so many rows longer at a time.
_STEP = 1024
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
    """All that a catalogue holds: `columns` by name, `colours` and `vectors` have a row or more for each of `item_ids`.

    `index` has the rows that are available, `free` are rows without an item. `others` are items without a row: id, key
    of the owner, encoder (None: its vectors have another length).
    """

    encoder: str | None
    item_ids: ItemIds
    category_names: Sequence[str]
    free: Sequence[int]
    others: Sequence[tuple[str, int, str | None]]
    columns: Mapping[str, NDArray[np.generic]]
    colours: VectorRows
    vectors: VectorRows
    index: VectorIndex


@dataclass(frozen=True, slots=True)
class _Moves:
    """What a batch of changes does to the tables of rows: of the index, and of keys."""

    gone: list[int] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    entered: dict[int, int] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)


class Catalog:
    """Items as rows of arrays, and their vectors in an index that holds the available ones.

    One row an item: `keys`, `owners` uint64 (keys of ids; owner 0: none), `categories` int32 (-1: none), `prices`
    float32 (NaN: none), `uploaded_ms` and `expires_ms` int64, `available` bool, `colours[rows]` gives float32 [n, 17]
    (the shares of COLOUR_NAMES as a unit vector). Vectors of one encoder only, of the first item's where none is given:
    what another made is known, not searchable.
    Not thread-safe: rows change between two calls of `apply` only.
    """

    def __init__(self, dimensions: int, index: VectorIndex | None = None, *, encoder: str | None = None) -> None:
        self.dimensions = dimensions
        self.encoder = encoder
        self.item_ids = ItemIds()
        self.keys = room(np.uint64)
        self.owners = room(np.uint64)
        self.categories = room(np.int32)
        self.prices = room(np.float32)
        self.uploaded_ms = room(np.int64)
        self.expires_ms = room(np.int64)
        self.available = room(np.bool_)
        #: The columns with the rows that they may still grow by.
        self._room: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in COLUMNS}
        self._lengthen(0)
        self.colours = VectorRows(len(COLOUR_NAMES))
        self._vectors = VectorRows(dimensions)
        self._index: VectorIndex = HnswIndex(dimensions, self._vectors) if index is None else index
        self._lookalikes = SimilarCache(self._index, SIMILAR_COUNT)
        self._rows = KeyedRows()
        self._free: list[int] = []
        #: Items of other encoders, as in Contents, and how many of each.
        self._others: dict[int, tuple[str, int, str | None]] = {}
        self._other_encoders: Counter[str] = Counter()
        self._category_codes: dict[str, int] = {}
        self.category_names: list[str] = []
        self._fresh: list[tuple[int, int]] = []
        self._freshest: NDArray[np.int64] | None = None
        #: How often rows may have become other items', or an item's row another.
        self.changes = 0

    def apply(self, changes: Iterable[tuple[str, Item | None]]) -> None:
        """Bring the replica up to date with records of the catalogue, in their order; None is a tombstone."""
        moves = _Moves()
        self._freshest = None
        self.changes += 1
        # Not remembered: all items come by here, and `key_of` remembers what comes again.
        latest = {key_of.__wrapped__(item_id): item for item_id, item in changes}
        rows = self._rows.find(np.fromiter(latest, np.uint64, len(latest))).tolist()
        for (key, item), row in zip(latest.items(), rows, strict=True):
            self._apply(key, item, row, moves)
        self._rows.remove(np.array(moves.left, np.uint64))
        self._rows.put(np.array([*moves.entered], np.uint64), np.array([*moves.entered.values()], np.int64))
        # In this order: a row that one item left may be another's by now.
        self._index.remove(np.array(moves.gone, np.uint64))
        self._index.add(np.array(moves.moved, np.uint64), self.vectors(np.array(moves.moved, np.int64)))
        self._lookalikes.added(moves.moved)

    def rows_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each item key [n], int64 [n]; -1 for an item that is not here."""
        return self._rows.find(keys)

    def row_of(self, item_id: str) -> int | None:
        """The row of an item, or None."""
        (row,) = self._rows.find(np.array([key_of(item_id)], np.uint64)).tolist()
        return row if row >= 0 else None

    def owned_by(self, owner: int) -> list[str]:
        """The ids of all items of the user with this key; looks at every row."""
        rows = np.flatnonzero(self.owners == np.uint64(owner))
        # A free row may still have the key of an item that has another row by now.
        owned = [self.item_ids[row] for row in rows[self._rows.find(self.keys[rows]) == rows].tolist()]
        return owned + [item_id for item_id, key, _ in self._others.values() if key == owner]

    def vectors(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The embeddings of rows [...], float32 [..., dimensions]; of row -1 one that means nothing."""
        return self._vectors[rows]

    @property
    def halves(self) -> NDArray[np.uint16]:
        """The embeddings of all rows as the bits of float16, uint16 [rows, dimensions]: not a copy."""
        return self._vectors.halves

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The nearest available rows [q, count] of queries [q, dimensions], with similarities; -1 pads."""
        return self._index.search(queries, count)

    def lookalikes(self, rows: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
        """For each group of rows, the SIMILAR_COUNT rows most similar to each of them, and recent additions.

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
        asked = self.rows_of(np.fromiter(found, np.uint64, len(found))).tolist()
        for row, nearest in zip(asked, found.values(), strict=True):
            if row >= 0:
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
        return Contents(
            encoder=self.encoder,
            item_ids=self.item_ids,
            category_names=self.category_names,
            free=self._free,
            others=list(self._others.values()),
            columns={name: getattr(self, name) for name in COLUMNS},
            colours=self.colours,
            vectors=self._vectors,
            index=self._index,
        )

    def fill(self, contents: Contents) -> None:
        """Take over what another catalogue held, into this empty one."""
        count = len(contents.item_ids)
        self.encoder = contents.encoder
        self.item_ids = contents.item_ids
        self.category_names = list(contents.category_names)
        self._category_codes = {name: code for code, name in enumerate(self.category_names)}
        self._lengthen(count)
        for name, column in contents.columns.items():
            getattr(self, name)[:count] = column[:count]
        self.colours, self._vectors = contents.colours, contents.vectors
        self._free = list(contents.free)
        used = np.setdiff1d(np.arange(count), self._free)
        self._rows = KeyedRows()
        self._rows.put(self.keys[used], used)
        for item_id, owner, encoder in contents.others:
            self._note_other(key_of(item_id), item_id, owner, encoder)
        self._fresh = self._newest()
        self._freshest = None
        self.changes += 1
        self._index = contents.index
        self._lookalikes = SimilarCache(self._index, SIMILAR_COUNT)

    def _note_other(self, key: int, item_id: str, owner: int, encoder: str | None) -> None:
        self._others[key] = (item_id, owner, encoder)
        if encoder is not None:
            self._other_encoders[encoder] += 1

    def _forget_other(self, key: int) -> None:
        _, _, encoder = self._others.pop(key, ("", 0, None))
        if encoder is not None:
            self._other_encoders[encoder] -= 1

    def _apply(self, key: int, item: Item | None, row: int, moves: _Moves) -> None:
        """Bring the row of one item, -1 for none, up to date, and note what that means for the tables."""
        if key in self._others:
            self._forget_other(key)
        if item is not None and item.embedding is not None:
            if self._fits(item, item.embedding):
                if row < 0:
                    row = moves.entered[key] = self._free.pop() if self._free else self._new_row()
                self._write(row, key, item, item.embedding, moves)
                return
            comparable = len(item.embedding) == 2 * self.dimensions
            self._note_other(key, item.item_id, _owner(item), item.encoder if comparable else None)
        if row >= 0:
            self.available[row] = False
            self._free.append(row)
            moves.gone.append(row)
            moves.left.append(key)

    def _fits(self, item: Item, embedding: bytes) -> bool:
        if len(embedding) != 2 * self.dimensions:
            return False
        self.encoder = self.encoder or item.encoder
        return item.encoder == self.encoder

    def _write(self, row: int, key: int, item: Item, embedding: bytes, moves: _Moves) -> None:
        available = item.in_stock and not item.hidden
        looks_new = self._vectors.replace(row, embedding)
        if not available:
            moves.gone.append(row)
        elif looks_new or not self.available[row]:
            moves.moved.append(row)
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
        self.colours.put(np.array([row]), _colour_vector(item))

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
            self._lengthen(row + 1)
        self.item_ids.append("")
        return row

    def _lengthen(self, rows: int) -> None:
        """Give the columns so many rows and some more."""
        rows = (rows // _STEP + 1) * _STEP
        for name in COLUMNS:
            self._room[name] = roomier(self._room[name], rows)
            setattr(self, name, self._room[name][:rows])

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
