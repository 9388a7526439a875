"""Items with one picture: rows with equal vectors, of which one stands in the index for all."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from inference.catalog.arrays import best_of, room, roomier
from inference.catalog.key_table import KeyedRows

#: Pictures that are at least this similar are copies, and so are those with the same hashes (docs/adr/0038): a list
#: shows one of them.
SAME_PICTURE: Final = 0.985
#: By how much a search is widened that found too few.
WIDER: Final = 8


class Heads(NamedTuple):
    """The rows that stand for a picture no longer, and those that do from now on; the former come first."""

    gone: NDArray[np.int64]
    new: NDArray[np.int64]


class Copies:
    """The rows that can be shown, those of one picture linked to a circle with one head.

    `keys` uint64 has the key of each row's picture, linked or not, 0 for a row without a picture. Not thread-safe.
    """

    def __init__(self, keys: NDArray[np.uint64] | None = None) -> None:
        self.keys = room(np.uint64)
        #: The rows beside each in its circle, and 1; 0 for a row that is not linked.
        self._next = room(np.int32)
        self._previous = room(np.int32)
        self._heads = KeyedRows()
        #: How many rows are linked.
        self.linked = 0
        if keys is not None:
            self._lengthen(len(keys))
            self.keys[: len(keys)] = keys

    def update(self, rows: NDArray[np.int64], keys: NDArray[np.uint64], linked: NDArray[np.bool_]) -> Heads:
        """Give rows [n], each once, their pictures' keys, and link those that can be shown."""
        stays = (self.keys_of(rows) == keys) & linked & self.is_linked(rows)
        leaving = rows[self.is_linked(rows) & ~stays]
        entering = rows[linked & ~stays]
        self.linked += len(entering) - len(leaving)
        left = self.keys[leaving]
        self.keys[rows] = keys
        entered = self.keys[entering].tolist()
        pictures = np.array([*dict.fromkeys([*left.tolist(), *entered])], np.uint64)
        before = self._heads.find(pictures)
        heads = dict(zip(pictures.tolist(), before.tolist(), strict=True))
        for row, key in zip(leaving.tolist(), left.tolist(), strict=True):
            following = self._unlink(row)
            heads[key] = following if heads[key] == row else heads[key]
        for row, key in zip(entering.tolist(), entered, strict=True):
            self._link(row, heads[key])
            heads[key] = row if heads[key] < 0 else heads[key]
        after = np.array([*heads.values()], np.int64)
        gone, new = (before >= 0) & (before != after), (after >= 0) & (before != after)
        self._heads.remove(pictures[gone])
        self._heads.put(pictures[new], after[new])
        return Heads(before[gone], after[new])

    def fill(self, rows: NDArray[np.int64], preferred: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Link rows [n] with keys, where nothing is linked yet; the heads, preferred rows where a picture has one."""
        keys = self.keys[rows]
        order = np.lexsort((~preferred, keys))
        rows, keys = rows[order], keys[order]
        is_first = np.ones(len(rows), np.bool_)
        is_first[1:] = keys[1:] != keys[:-1]
        heads = rows[is_first]
        following = np.roll(rows, -1)
        is_last = np.roll(is_first, -1)
        following[is_last] = heads
        self._next[rows] = following + 1
        self._previous[following] = rows + 1
        self._heads.put(keys[is_first], heads)
        self.linked = len(rows)
        return heads

    def keys_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        """The key of each row's picture [n], also of rows that are new."""
        self._lengthen(int(rows.max(initial=-1)) + 1)
        return self.keys[rows]

    def is_linked(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row [n] can be shown."""
        return self._next[rows] > 0

    def heads(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The head of each picture [n], by key; -1 where no row of it can be shown."""
        return self._heads.find(keys)

    @property
    def has_any(self) -> bool:
        """Whether two rows that can be shown have the same picture."""
        return self.linked > len(self._heads)

    def members(self, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        """For each linked row of [n] itself and more of its picture, `most` at most; the others are left out."""
        return _members(rows, self._next, most)

    def one_of_each(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first linked row of each picture among rows [n], each once, in their order, and all without a picture."""
        rows = rows[self.is_linked(rows) | (self.keys[rows] == 0)]
        if not self.has_any:
            return rows
        is_first = self.keys[rows] == 0
        with_picture = np.flatnonzero(~is_first)
        _, first = np.unique(self.keys[rows[with_picture]], return_index=True)
        is_first[with_picture[first]] = True
        found: NDArray[np.int64] = rows[is_first]
        return found

    def __len__(self) -> int:
        """How many pictures have a head."""
        return len(self._heads)

    def _link(self, row: int, beside: int) -> None:
        """Link a row into the circle of another one, or into one of its own for -1."""
        following = int(self._next[beside]) - 1 if beside >= 0 else row
        previous = beside if beside >= 0 else row
        self._next[row], self._previous[row] = following + 1, previous + 1
        self._next[previous] = self._previous[following] = row + 1

    def _unlink(self, row: int) -> int:
        """Take a row out of its circle; the row after it, or -1 where it was alone."""
        following, previous = int(self._next[row]) - 1, int(self._previous[row]) - 1
        self._next[previous], self._previous[following] = following + 1, previous + 1
        self._next[row] = self._previous[row] = 0
        return following if following != row else -1

    def _lengthen(self, rows: int) -> None:
        self.keys = roomier(self.keys, rows)
        self._next, self._previous = roomier(self._next, rows), roomier(self._previous, rows)


def first_distinct(
    rows: NDArray[np.int64],
    values: NDArray[np.float32] | NDArray[np.int64],
    halves: NDArray[np.uint16],
    hashes: NDArray[np.uint64],
    count: int,
    allowed: Callable[[NDArray[np.int64]], NDArray[np.int64]] = lambda rows: rows,
) -> NDArray[np.int64]:
    """Up to `count` of rows [n], those of the greatest values [n] first, no two with the same picture.

    `allowed` returns those of some rows that may be taken; `halves` and `hashes` are columns of the catalogue.
    """
    looked_at = 2 * count
    while True:
        found = distinct(allowed(rows[best_of(values, looked_at)]), halves, hashes, count)
        if len(found) == count or looked_at >= len(rows):
            return found
        looked_at *= WIDER


@compiled
def have_same_hashes(hashes: NDArray[np.uint64], one: int, other: int) -> bool:
    """Whether two rows of the column `hashes` show one picture: a copy keeps the hashes of what it is a copy of."""
    is_same = bool((hashes[one, 0] | hashes[one, 1]) != 0)
    for word in range(hashes.shape[1]):
        is_same &= bool(hashes[one, word] == hashes[other, word])
    return is_same


@compiled
def distinct(
    rows: NDArray[np.int64], halves: NDArray[np.uint16], hashes: NDArray[np.uint64], count: int
) -> NDArray[np.int64]:
    """The first `count` of rows [n] with different pictures, in their order.

    `halves`, the bits of the vectors, and `hashes` are columns of the catalogue.
    """
    found = np.empty(min(count, len(rows)), np.int64)
    vectors = np.empty((len(found), halves.shape[1]), np.float32)
    taken = 0
    for row in rows:
        if taken == len(found):
            break
        widen(halves[row], vectors[taken])
        is_copy = False
        for earlier in range(taken):
            is_alike = dot(vectors[earlier], vectors[taken]) >= SAME_PICTURE
            if is_alike or have_same_hashes(hashes, found[earlier], row):
                is_copy = True
                break
        if not is_copy:
            found[taken] = row
            taken += 1
    return found[:taken]


@compiled
def _members(rows: NDArray[np.int64], following: NDArray[np.int32], most: int) -> NDArray[np.int64]:
    found = np.empty(2 * len(rows), np.int64)
    count = 0
    for row in rows:
        member = row
        for _ in range(most if row >= 0 and following[row] > 0 else 0):
            if count == len(found):
                found = np.concatenate((found, np.empty_like(found)))
            found[count] = member
            count += 1
            member = np.int64(following[member]) - 1
            if member == row:
                break
    return found[:count]
