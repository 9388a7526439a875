"""The seen items of a profile, packed beside its engaged items: who engaged with an item saw it, too.

A seen item that is among the engaged ones, in their order, takes a bit instead of four bytes.
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled


def pack_seen(seen: NDArray[np.uint32], engaged: NDArray[np.void]) -> bytes:
    """Bits that mark which of `seen` [n] are among `engaged` [m], bits that mark which of these, then all others."""
    # A copy, since a read-only array is another type to the compiler.
    shared, used = _shared(np.array(seen), _low_halves(engaged))
    return np.packbits(shared).tobytes() + np.packbits(used).tobytes() + seen[~shared].tobytes()


def unpack_seen(data: bytes, offset: int, length: int, engaged: NDArray[np.void]) -> tuple[NDArray[np.uint32], int]:
    """What `pack_seen` packed at `offset`, and where it ends; raises ValueError for other bytes."""
    start = offset + (length + 7) // 8
    end = start + (len(engaged) + 7) // 8
    shared = np.unpackbits(np.frombuffer(data[offset:start], np.uint8), count=length).view(np.bool_)
    used = np.unpackbits(np.frombuffer(data[start:end], np.uint8), count=len(engaged)).view(np.bool_)
    rest = np.frombuffer(data, "<u4", length - int(shared.sum()), end)
    seen = np.empty(length, "<u4")
    seen[shared], seen[~shared] = _low_halves(engaged)[used], rest
    return seen, end + rest.nbytes


def _low_halves(entries: NDArray[np.void]) -> NDArray[np.uint32]:
    return entries["item"].astype("<u4")


@compiled
def _shared(seen: NDArray[np.uint32], engaged: NDArray[np.uint32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which values of each array are in the other one and follow each other there, too: bool [n] and bool [m]."""
    shared, used = np.zeros(len(seen), np.bool_), np.zeros(len(engaged), np.bool_)
    start = 0
    for place in range(len(seen)):
        for other in range(start, len(engaged)):
            if seen[place] == engaged[other]:
                shared[place] = used[other] = True
                start = other + 1
                break
    return shared, used
