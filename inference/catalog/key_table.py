"""The row of each item by its key: a hash table in arrays, a quarter of a dict's size, asked for many keys at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: Keys that one bucket has place for; so full on average, the number of buckets doubles.
_WIDTH: Final = 16
_FULL: Final = 13
_FIRST_BUCKETS: Final = 1 << 12


class KeyedRows:
    """Rows by key, which is as good as random: a key's low bits say its bucket; what finds no place there is spilled.

    In a table that is nearly full one key in thirty is.
    """

    def __init__(self) -> None:
        self._keys = np.zeros((_FIRST_BUCKETS, _WIDTH), np.uint64)
        #: The row and 1; 0: nothing is there.
        self._rows = np.zeros((_FIRST_BUCKETS, _WIDTH), np.int32)
        self._spilled: dict[int, int] = {}
        #: The same by the low half of the key, once that was asked for.
        self._spilled_low: dict[int, int] | None = None
        self._count = 0

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each key [n], int64 [n]; -1 for one that is not here."""
        if not len(keys):
            return np.zeros(0, np.int64)
        rows = _find(np.array(keys), self._keys, self._rows)
        if self._spilled:
            for place in np.flatnonzero(rows < 0).tolist():
                rows[place] = self._spilled.get(int(keys[place]), -1)
        return rows

    def find_low(self, low_halves: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The row of a key with each of these low halves [n], int64 [n]; -1 for none. The first 2^32 buckets know."""
        rows = _find_low(np.array(low_halves), self._keys, self._rows)
        if self._spilled and (rows < 0).any():
            if self._spilled_low is None:
                self._spilled_low = {key & 0xFFFF_FFFF: row for key, row in self._spilled.items()}
            for place in np.flatnonzero(rows < 0).tolist():
                rows[place] = self._spilled_low.get(int(low_halves[place]), -1)
        return rows

    def put(self, keys: NDArray[np.uint64], rows: NDArray[np.integer]) -> None:
        """Enter keys [n] that are not here, each once, with their rows [n]."""
        self._count += len(keys)
        while self._count > _FULL * len(self._rows):
            self._double()
        self._enter(keys, rows)

    def remove(self, keys: NDArray[np.uint64]) -> None:
        """Take keys [n] out, each once, that are here."""
        if not len(keys):
            return
        self._count -= len(keys)
        is_spilled = np.array([key in self._spilled for key in keys.tolist()], np.bool_)
        for key in keys[is_spilled].tolist():
            del self._spilled[key]
            self._spilled_low = None
        places = self._places(keys[~is_spilled])
        self._keys[places] = self._rows[places] = 0

    def __len__(self) -> int:
        return self._count

    def _buckets(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (keys & np.uint64(len(self._rows) - 1)).astype(np.int64)

    def _places(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
        """Bucket and slot of each key; any slot of the bucket for a key that is not there."""
        buckets = self._buckets(keys)
        return buckets, (self._keys.take(buckets, axis=0) == keys[:, None]).argmax(axis=1)

    def _enter(self, keys: NDArray[np.uint64], rows: NDArray[np.integer]) -> None:
        fits = _enter(keys, rows.astype(np.int64), self._keys, self._rows)
        if not fits.all():
            self._spilled.update(zip(keys[~fits].tolist(), rows[~fits].tolist(), strict=True))
            self._spilled_low = None

    def _double(self) -> None:
        """Split every bucket in two, by the next bit of its keys."""
        moves = self._keys & np.uint64(len(self._rows)) != 0
        self._keys = np.concatenate([np.where(moves, 0, self._keys), np.where(moves, self._keys, 0)])
        self._rows = np.concatenate([np.where(moves, 0, self._rows), np.where(moves, self._rows, 0)])
        spilled, self._spilled, self._spilled_low = self._spilled, {}, None
        self._enter(np.array([*spilled], np.uint64), np.array([*spilled.values()], np.int64))


@compiled
def _find(keys: NDArray[np.uint64], table: NDArray[np.uint64], rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """The row of each key [n] in the table's buckets, -1 for none."""
    found = np.full(len(keys), -1, np.int64)
    for place in range(len(keys)):
        bucket = keys[place] & np.uint64(len(table) - 1)
        for slot in range(_WIDTH):
            if table[bucket, slot] == keys[place] and rows[bucket, slot] > 0:
                found[place] = rows[bucket, slot] - 1
    return found


@compiled
def _find_low(low_halves: NDArray[np.uint32], table: NDArray[np.uint64], rows: NDArray[np.int32]) -> NDArray[np.int64]:
    """The row of a key with each low half [n] in the table's buckets, -1 for none; low bits say the bucket."""
    found = np.full(len(low_halves), -1, np.int64)
    for place in range(len(low_halves)):
        bucket = np.uint64(low_halves[place]) & np.uint64(len(table) - 1)
        for slot in range(_WIDTH):
            if np.uint32(table[bucket, slot]) == low_halves[place] and rows[bucket, slot] > 0:
                found[place] = rows[bucket, slot] - 1
    return found


@compiled
def _enter(
    keys: NDArray[np.uint64], new: NDArray[np.int64], table: NDArray[np.uint64], rows: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Enter keys [n] with their `new` rows; which of them found a free slot."""
    fits = np.zeros(len(keys), np.bool_)
    for place in range(len(keys)):
        bucket = keys[place] & np.uint64(len(table) - 1)
        for slot in range(_WIDTH):
            if rows[bucket, slot] == 0:
                table[bucket, slot], rows[bucket, slot] = keys[place], new[place] + 1
                fits[place] = True
                break
    return fits
