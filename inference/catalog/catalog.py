"""The catalogue in the worker's memory: a replica of state.catalog, so that ranking needs no other service.

See docs/adr/0003.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.item import Item, key_of
from features.vision.colours import COLOUR_NAMES
from features.vision.descriptors.mix import LOOK, Mix
from features.vision.descriptors.packed import PACKED_BYTES, readable
from features.vision.tags.readable import TAGS_LIMIT
from features.vision.tags.readable import readable as readable_tags
from inference.catalog.arrays import VectorRows, room, roomier
from inference.catalog.clips.frames import ClipFrames
from inference.catalog.clips.hashes import ClipHashes, HashedFrames
from inference.catalog.copied_pictures import KEPT_WORDS, readable_hashes
from inference.catalog.facts.attributes import AttributeRows
from inference.catalog.facts.colours import colour_vector
from inference.catalog.facts.currencies import currency_code
from inference.catalog.facts.expiry import NEVER, turned
from inference.catalog.facts.words import WordRows
from inference.catalog.fresh_rows import FreshRows
from inference.catalog.index import VectorIndex
from inference.catalog.item_ids import ItemIds
from inference.catalog.key_table import KeyedRows
from inference.catalog.other_encoders import OtherEncoders
from inference.catalog.vector_space import SpaceContents, VectorSpace
from inference.words.pictures import item_vector, said_vector

#: The arrays with one row an item, by name.
COLUMNS = (
    *("keys", "owners", "categories", "prices", "currencies", "uploaded_ms", "expires_ms", "available"),
    *("descriptors", "worded", "said", "hashes", "copies_of"),
)
_ALL_COLUMNS = (*COLUMNS, "shown", "written")
#: The largest number that `prices` can hold.
PRICIEST = float(np.finfo(np.float32).max)
#: Rows by which the columns grow at a time.
_STEP = 1024
_NO_FRAMES = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class CatalogCounts:
    """How many items the replica has, by state.

    `searchable` can be shown and have a vector, `no_vector` can be shown and have none; `unavailable` are sold out,
    hidden or expired. Of all these, `other_encoder` have a vector that cannot be compared with the others.
    """

    searchable: int
    unavailable: int
    other_encoder: int
    no_vector: int = 0


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of a catalogue: the columns by name, and `colours`, have at least one row for each of `item_ids`.

    `free` are rows without an item, `others` the encoders of items without a comparable vector, by key; `spaces` are in
    the order of the catalogue's.
    """

    item_ids: ItemIds
    category_names: Sequence[str]
    free: Sequence[int]
    others: Mapping[int, str | None]
    columns: Mapping[str, NDArray[np.generic]]
    colours: VectorRows
    attributes: AttributeRows
    tags: AttributeRows
    words: VectorRows | None
    spaces: Sequence[SpaceContents]
    #: The row of each key frame [m], and the frames float16 [m, dimensions].
    clips: tuple[NDArray[np.int64], NDArray[np.float16]]
    clip_hashes: HashedFrames


@dataclass(frozen=True, slots=True)
class _Moves:
    """What a batch of changes does to the table of keys: the rows of keys that entered, and keys that left."""

    entered: dict[int, int] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)


class Catalog:
    """Items as rows of arrays, and their vectors in spaces that share the rows.

    One row an item: `keys`, `owners` uint64 (keys of ids; owner 0: none), `categories` int32 (-1: none), `prices`
    float32 (NaN: none), `currencies` int16 (`currency_code`), `uploaded_ms` (`Item.new_at_ms`) and `expires_ms`
    int64, `available` bool (neither sold out, hidden nor held), `shown` bool (available, and not expired when
    `advance` last looked), `colours[rows]` gives float32 [n, 17] (the shares of COLOUR_NAMES as a unit vector),
    `descriptors` uint8 [PACKED_BYTES] and `hashes` uint64 [KEPT_WORDS] (zeros: none; of a clip a digest), `copies_of`
    uint64 (key of an id; 0: none). With `words`, `words` holds vectors of rows that are `worded` bool; of those that
    are `said` bool they are of an item's own words. `written` int64 is the value of `changes` when the row was written
    last. An item may have a vector in the space of `pictures` and in each of the `further` ones, and is in the index of
    a space if it has one and is shown (docs/adr/0029).
    Not thread-safe: rows change only in `apply`, and what is shown in `advance`, too.
    """

    def __init__(
        self,
        dimensions: int,
        index: VectorIndex | None = None,
        *,
        encoder: str | None = None,
        further: Sequence[VectorSpace] = (),
        mix: Mix = LOOK,
        words: bool = False,
    ) -> None:
        self.pictures = VectorSpace(dimensions, index, encoder=encoder, mix=mix)
        self.spaces = (self.pictures, *further)
        #: Clips are found by their frames only where pictures are compared by their look alone.
        self.clips = ClipFrames(dimensions)
        self.clip_hashes = ClipHashes()
        self._has_frames = mix == LOOK
        self.item_ids = ItemIds()
        self.keys = room(np.uint64)
        self.owners = room(np.uint64)
        self.categories = room(np.int32)
        self.prices = room(np.float32)
        self.currencies = room(np.int16)
        self.uploaded_ms = room(np.int64)
        self.expires_ms = room(np.int64)
        self.available = room(np.bool_)
        self.descriptors = room(np.uint8, PACKED_BYTES)
        self.hashes = room(np.uint64, KEPT_WORDS)
        self.copies_of = room(np.uint64)
        self.worded = room(np.bool_)
        self.said = room(np.bool_)
        self.shown, self.written = room(np.bool_), room(np.int64)
        #: The columns, and behind each the room into which it grows.
        self._room: dict[str, NDArray[np.generic]] = {name: getattr(self, name) for name in _ALL_COLUMNS}
        self._lengthen(0)
        self.colours = VectorRows(len(COLOUR_NAMES))
        self.attributes = AttributeRows()
        #: What pictures show: the pair of a tag is its name and nothing.
        self.tags = AttributeRows(TAGS_LIMIT)
        self.words = WordRows() if words else None
        self._rows = KeyedRows()
        self._free: list[int] = []
        self._others = OtherEncoders()
        self._category_codes: dict[str, int] = {}
        self.category_names: list[str] = []
        self._fresh = FreshRows(self.pictures.one_of_each)
        #: The latest time that `advance` was told, and from when on it looks at the rows again.
        self.now_ms = 0
        self._look_ms = NEVER
        #: How often rows may have become other items', or an item's row another.
        self.changes = 0

    def apply(self, changes: Iterable[tuple[str, Item | None]]) -> None:
        """Bring the replica up to date with records of the catalogue, in their order; None is a tombstone."""
        moves = _Moves()
        self._fresh.changed()
        # Without the cache of `key_of`: it is for ids that come again, and every item comes by here.
        self.changes += 1
        latest = {key_of.__wrapped__(item_id): item for item_id, item in changes}
        rows = self._rows.find(np.fromiter(latest, np.uint64, len(latest))).tolist()
        for (key, item), row in zip(latest.items(), rows, strict=True):
            self._apply(key, item, row, moves)
        self._rows.remove(np.array(moves.left, np.uint64))
        self._rows.put(np.array([*moves.entered], np.uint64), np.array([*moves.entered.values()], np.int64))
        for space in self.spaces:
            space.update_index()

    def advance(self, now_ms: int) -> None:
        """Go on to this time: what expired leaves the index, and comes back where the clock was set back.

        When many expire at once it takes several calls; `now_ms` and `expires_ms` are right at once.
        """
        was_set_back, self.now_ms = now_ms < self.now_ms, now_ms
        if now_ms < self._look_ms and not was_set_back:
            return
        rows, self._look_ms = turned(self.available, self.expires_ms, self.shown, now_ms)
        if not len(rows):
            return
        self.shown[rows] = shown = ~self.shown[rows]
        self._fresh.changed()
        for row in rows[shown].tolist():
            self._fresh.note(row, int(self.uploaded_ms[row]))
        for space in self.spaces:
            space.show(rows, shown)
            space.update_index()

    def rows_of(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each item key [n], int64 [n]; -1 for an item that is not here."""
        return self._rows.find(keys)

    def rows_of_low(self, low_halves: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The row of an item whose key has this low half [n], int64 [n]; -1 for none. Seldom it is another item's."""
        return self._rows.find_low(low_halves)

    def row_of(self, item_id: str) -> int | None:
        """The row of an item, or None."""
        (row,) = self._rows.find(np.array([key_of(item_id)], np.uint64)).tolist()
        return row if row >= 0 else None

    def originals(self, item_id: str, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some rows of which this item may be a copy: not its own, and none that is known as a copy of it.

        So an original that comes again is no copy of its copy.
        """
        key = np.uint64(key_of(item_id))
        found: NDArray[np.int64] = rows[(self.keys[rows] != key) & (self.copies_of[rows] != key)]
        return found

    def kept_hashes(self, row: int) -> bytes:
        """What the item of a row keeps of its picture or clip, by which copies are found."""
        return self.clip_hashes.kept(row) or self.hashes[row].astype("<u8").tobytes()

    def owned_by(self, owner: int) -> list[str]:
        """The ids of all items of the user with this key; looks at every row."""
        rows = np.flatnonzero(self.owners == np.uint64(owner))
        # A free row may still hold the key of an item that has another row by now.
        return [self.item_ids[row] for row in rows[self._rows.find(self.keys[rows]) == rows].tolist()]

    def category_code(self, name: str) -> int | None:
        """The code of a category in `categories`; None where no item ever had it."""
        return self._category_codes.get(name)

    def freshest(self, count: int) -> NDArray[np.int64]:
        """The rows that are newest, one of each picture, the newest first; complete up to FRESH_LIMIT / 2."""
        return self._fresh.newest(self.shown, self.uploaded_ms)[:count]

    def can_be_shown(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row [n] is available and has not expired."""
        return self.shown[rows] & (self.expires_ms[rows] > self.now_ms)

    def counts(self) -> CatalogCounts:
        """How many items there are, by state."""
        shown, searchable = int(np.count_nonzero(self.shown)), self.pictures.shown
        return CatalogCounts(searchable, len(self._rows) - shown, len(self._others), shown - searchable)

    @property
    def choices(self) -> int:
        """How many items a list can have at most: one of each picture, and all without one; looks at every row."""
        return self.pictures.pictures + int(np.count_nonzero(self.shown)) - self.pictures.shown

    def prevailing_encoder(self) -> str | None:
        """The encoder of most pictures with vectors of our length; ours where no other has more."""
        encoder, count = self._others.most_common()
        return encoder if count > self.pictures.vectors_held else self.pictures.encoder

    def learn_similar(self, space: VectorSpace, found: Mapping[int, NDArray[np.uint64]], additions: int) -> None:
        """Keep the pictures, by key, that a shared index found for items, by key.

        It was asked after this many additions to the space. What left the catalogue since is passed over.
        """
        rows = self.rows_of(np.fromiter(found, np.uint64, len(found))).tolist()
        for row, keys in zip(rows, found.values(), strict=True):
            if row >= 0:
                nearest = space.heads(keys)
                space.learn_similar(row, nearest[nearest >= 0], additions)

    def likeness(self, rows: NDArray[np.int64], queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cosine of each row's picture, or of any frame of its clip, and the most similar of queries: float32 [n].

        The queries are unit vectors [k, dimensions], or one [dimensions].
        """
        queries = np.atleast_2d(queries)
        by_picture = self.pictures.similarities(rows, queries)
        return np.maximum(by_picture, self.clips.likeness(rows, queries)) if len(self.clips) else by_picture

    def contents(self) -> Contents:
        """All contents; the arrays are those of the catalogue, and change with the next `apply`."""
        return Contents(
            item_ids=self.item_ids,
            category_names=self.category_names,
            free=self._free,
            others=self._others.items,
            columns={name: getattr(self, name) for name in COLUMNS},
            colours=self.colours,
            attributes=self.attributes,
            tags=self.tags,
            words=None if self.words is None else self.words.vectors,
            spaces=[space.contents() for space in self.spaces],
            clips=self.clips.stored(),
            clip_hashes=self.clip_hashes.stored(),
        )

    def fill(self, contents: Contents) -> None:
        """Take over the contents of another catalogue, into this empty one."""
        count = len(contents.item_ids)
        self.item_ids = contents.item_ids
        self.category_names = list(contents.category_names)
        self._category_codes = {name: code for code, name in enumerate(self.category_names)}
        self._lengthen(count)
        for name, column in contents.columns.items():
            getattr(self, name)[:count] = column[:count]
        self.colours = contents.colours
        self.attributes, self.tags = contents.attributes, contents.tags
        self.clips.fill(*contents.clips)
        self.clip_hashes.fill(contents.clip_hashes)
        if self.words is not None and contents.words is not None:
            self.words.fill(contents.words, count)
        self.shown[:count] = self.available[:count] & (self.expires_ms[:count] > self.now_ms)
        self._look_ms = self.now_ms
        for space, held in zip(self.spaces, contents.spaces, strict=True):
            space.fill(held, np.flatnonzero(self.shown))
        self._free = list(contents.free)
        used = np.setdiff1d(np.arange(count), self._free)
        self._rows = KeyedRows()
        self._rows.put(self.keys[used], used)
        for key, encoder in contents.others.items():
            self._others.add(key, encoder)
        self._fresh.rebuild(self.shown, self.uploaded_ms)
        self.changes += 1
        self.written[:count] = self.changes

    def _apply(self, key: int, item: Item | None, row: int, moves: _Moves) -> None:
        """Bring the row of one item, -1 for none, up to date, and note what that means for the table of keys."""
        self._others.discard(key)
        if item is not None:
            if row < 0:
                row = moves.entered[key] = self._free.pop() if self._free else self._new_row()
            self._write(row, key, item)
            if item.embeddings and self.pictures.embedding_of(item) is None:
                self._others.add(key, self.pictures.comparable_encoder(item))
        elif row >= 0:
            self.available[row] = self.shown[row] = False
            self.hashes[row] = 0
            self._free.append(row)
            moves.left.append(key)
            self.attributes.put(row, {})
            self.tags.put(row, {})
            self.clips.put(row, _NO_FRAMES)
            self.clip_hashes.put(row, None)
            for space in self.spaces:
                space.remove(row)

    def _write(self, row: int, key: int, item: Item) -> None:
        expires_ms = NEVER if item.expires_at_ms is None else item.expires_at_ms
        is_available = item.in_stock and not item.hidden and not item.is_held
        was_shown, is_shown = bool(self.shown[row]), is_available and expires_ms > self.now_ms
        for space in self.spaces:
            space.put(row, space.vector_of(item), is_shown=is_shown)
        if is_shown:
            self._look_ms = min(self._look_ms, expires_ms)
        if is_shown and not (was_shown and self.uploaded_ms[row] == item.new_at_ms):
            self._fresh.note(row, item.new_at_ms)
        self.item_ids[row] = item.item_id
        self.written[row] = self.changes
        self.keys[row] = key
        self.owners[row] = 0 if item.owner is None else key_of(item.owner)
        self.categories[row] = self._category(item.known_category)
        self.prices[row] = np.nan if item.price is None else min(item.price, PRICIEST)
        self.currencies[row] = currency_code(item.currency)
        self.attributes.put(row, item.attributes or {})
        self.tags.put(row, {tag.name: "" for tag in readable_tags(item.tags)})
        self.uploaded_ms[row] = item.new_at_ms
        self.expires_ms[row] = expires_ms
        self.available[row], self.shown[row] = is_available, is_shown
        self.clips.put(row, self._frames_of(item))
        self.colours.put_one(row, colour_vector(item.colours))
        self.descriptors[row] = np.frombuffer(readable(item.descriptors), np.uint8)
        self.hashes[row] = readable_hashes(item.hashes)
        self.clip_hashes.put(row, item.hashes)
        self.copies_of[row] = 0 if item.copy_of is None else key_of(item.copy_of)
        if self.words is not None:
            words = item_vector(item)
            self.worded[row], self.said[row] = words is not None, said_vector(item) is not None
            self.words.put(row, words)

    def _frames_of(self, item: Item) -> NDArray[np.float32]:
        if item.clip is None or not self._has_frames:
            return _NO_FRAMES
        return item.clip.vectors(self.pictures.dimensions, self.pictures.encoder)

    def _new_row(self) -> int:
        row = len(self.item_ids)
        if row == len(self.keys):
            self._lengthen(row + 1)
        self.item_ids.append("")
        return row

    def _lengthen(self, rows: int) -> None:
        """Make the columns longer than this many rows."""
        rows = (rows // _STEP + 1) * _STEP
        for name in self._room:
            self._room[name] = roomier(self._room[name], rows)
            setattr(self, name, self._room[name][:rows])

    def _category(self, name: str | None) -> int:
        if name is None:
            return -1
        code = self._category_codes.setdefault(name, len(self.category_names))
        if code == len(self.category_names):
            self.category_names.append(name)
        return code
