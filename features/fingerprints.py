"""Which keys came, long after the keys themselves are gone: sets of short fingerprints, a few bits a key.

A set never denies a key that it took. Of n fingerprints of b bits, it affirms another key with a chance of n / 2ᵇ (as a
quotient filter does: Bender et al. 2012, "Don't Thrash: How to Cache Your Hash on Flash").
"""

import struct
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.elias_fano import pack, packed_size, unpack
from features.jit import compiled

#: Sets of fingerprints, each uint32 [n] and ascending. The last one takes what comes; the first came first.
Generations: TypeAlias = tuple[NDArray[np.uint32], ...]

_LOW_HALF = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class FingerprintSets:
    """How to remember keys: fingerprints of `bits` (≤ 32), the top ones of the low half of a key.

    A set takes `size` of them. Over `limit` sets the oldest is dropped, so the last `size` · (`limit` - 1) keys at
    least are remembered, and the order of the keys alone decides which.

    >>> small = FingerprintSets(bits=32, size=2, limit=2)
    >>> kept = small.add(small.add(small.add((), 7), 9), 8)
    >>> [each.tolist() for each in kept], small.has(kept, 9), small.has(kept, 6)
    ([[7, 9], [8]], True, False)
    """

    bits: int
    size: int
    limit: int

    def add(self, sets: Generations, key: int) -> Generations:
        """The sets with the key in the last one; `sets` stay as they are."""
        value = self._fingerprint(key)
        if not sets or (len(sets[-1]) >= self.size and not _holds(sets[-1], value)):
            return (*sets, np.array([value], np.uint32))[-self.limit :]
        return (*sets[:-1], _with(sets[-1], value))

    def remove(self, sets: Generations, key: int) -> Generations:
        """The sets without the fingerprint of the key. Another key with the same fingerprint goes with it."""
        value = self._fingerprint(key)
        kept = (each[each != value] if _holds(each, value) else each for each in sets)
        return tuple(each for each in kept if len(each))

    def has(self, sets: Generations, key: int) -> bool:
        """Whether the key was added; another is affirmed with the chance `doubt`."""
        value = self._fingerprint(key)
        return any(_holds(each, value) for each in sets)

    def among(self, sets: Generations, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of the `keys` [n] the sets affirm: bool [n]."""
        values = (keys & np.uint64(_LOW_HALF)).astype(np.uint32) >> np.uint32(32 - self.bits)
        found = np.zeros(len(keys), np.bool_)
        for each in sets:
            found |= each[np.minimum(np.searchsorted(each, values), len(each) - 1)] == values
        return found

    def doubt(self, sets: Generations) -> float:
        """The chance that a key which never came is affirmed.

        >>> FingerprintSets(bits=10, size=4, limit=2).doubt((np.arange(3, dtype=np.uint32),))
        0.0029296875
        """
        return float(count(sets) / 2**self.bits)

    def pack(self, sets: Generations) -> bytes:
        """The sets as bytes: how many there are, and for each its length and its numbers (`features.elias_fano`)."""
        packed = (struct.pack("<H", len(each)) + pack(each, self.bits) for each in sets)
        return bytes([len(sets)]) + b"".join(packed)

    def unpack(self, data: bytes, offset: int) -> tuple[Generations, int]:
        """The sets that begin at `offset`, and where they end; raises struct.error and ValueError for other bytes."""
        (sets,) = struct.unpack_from("<B", data, offset)
        found, end = [], offset + 1
        for _ in range(sets):
            (length,) = struct.unpack_from("<H", data, end)
            if not length:
                raise ValueError("a set without fingerprints")
            start, end = end + 2, end + 2 + packed_size(length, self.bits)
            found.append(unpack(data[start:end], length, self.bits))
        return tuple(found), end

    def _fingerprint(self, key: int) -> np.uint32:
        return np.uint32((key & _LOW_HALF) >> (32 - self.bits))


def count(sets: Generations) -> int:
    """How many fingerprints the sets have."""
    return sum(map(len, sets))


@compiled
def _place(values: NDArray[np.uint32], value: np.uint32) -> int:
    """The first place in the ascending `values` that is not below `value`."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _holds(values: NDArray[np.uint32], value: np.uint32) -> bool:
    place = _place(values, value)
    return place < len(values) and bool(values[place] == value)


@compiled
def _with(values: NDArray[np.uint32], value: np.uint32) -> NDArray[np.uint32]:
    """The ascending `values` with one more, unless they hold it."""
    place = _place(values, value)
    if place < len(values) and values[place] == value:
        return values
    grown = np.empty(len(values) + 1, np.uint32)
    grown[:place] = values[:place]
    grown[place] = value
    grown[place + 1 :] = values[place:]
    return grown
