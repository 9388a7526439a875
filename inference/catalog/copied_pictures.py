"""Finds the items whose pictures are copies of a new one, by the hashes that each item keeps (docs/adr/0038)."""

import hashlib
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, ones
from features.vision.gate.clip_hashes import frames_kept
from features.vision.gate.picture_hash import KEPT, KEPT_BYTES, MOST_BITS, WORDS, Asked
from features.vision.gate.tint import have_one_tint

#: 64-bit words that an item keeps: of its hashes, then of its tint. Without hashes all are 0.
KEPT_WORDS: Final = KEPT_BYTES // 8
_HASH_WORDS: Final = len(KEPT) * WORDS


def readable_hashes(kept: bytes | None) -> NDArray[np.uint64]:
    """The words [KEPT_WORDS] of what an item keeps; zeros where it has none, or those of another version.

    Of a clip they are a digest: equal for copies, and like no picture's.
    """
    if kept is not None and len(frames_kept(kept)):
        digest = hashlib.blake2b(kept).digest()
        return np.frombuffer(digest.ljust(KEPT_BYTES, b"\0"), "<u8").astype(np.uint64)
    if kept is None or len(kept) != KEPT_BYTES:
        return np.zeros(KEPT_WORDS, np.uint64)
    return np.frombuffer(kept, "<u8").astype(np.uint64)


def among_copies(asked: Asked, kept: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The rows of `kept` [n, KEPT_WORDS] whose hashes may be those of copies, in ascending order.

    It looks at every row, without Python's lock: other threads go on meanwhile.
    """
    return np.flatnonzero(_least_bits(asked.hashes, kept, MOST_BITS) <= MOST_BITS)


def nearest_copy(asked: Asked, kept: NDArray[np.uint64], rows: NDArray[np.int64]) -> int | None:
    """Which of some rows of `kept` [n, KEPT_WORDS] a picture is most likely a copy of; None if it is of none."""
    bits = _least_bits(asked.hashes, kept[rows], MOST_BITS)
    for place in np.argsort(bits, kind="stable").tolist():
        if bits[place] <= MOST_BITS and _has_tint(asked, kept[rows[place]]):
            return int(rows[place])
    return None


def are_copies(asked: Asked, kept: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which rows of `kept` [n, KEPT_WORDS] a picture is a copy of, bool [n]."""
    found = _least_bits(asked.hashes, kept, MOST_BITS) <= MOST_BITS
    for row in np.flatnonzero(found).tolist():
        found[row] = _has_tint(asked, kept[row])
    return found


def _has_tint(asked: Asked, kept: NDArray[np.uint64]) -> bool:
    return have_one_tint(asked.tint, kept[_HASH_WORDS:].astype("<u8").view(np.uint8))


@partial(compiled, without_lock=True)
def _least_bits(asked: NDArray[np.uint64], kept: NDArray[np.uint64], most: int) -> NDArray[np.uint8]:
    """By how many bits each row differs at least from one of `asked` [q, WORDS], uint8 [n]; `most` + 1 for more."""
    found = np.full(len(kept), most + 1, np.uint8)
    for row in range(len(kept)):
        least = np.uint64(most + 1)
        for start in range(0, _HASH_WORDS if kept[row, 0] | kept[row, 1] else 0, WORDS):
            for query in range(len(asked)):
                bits = np.uint64(0)
                for word in range(WORDS):
                    bits += ones(asked[query, word] ^ kept[row, start + word])
                    if bits >= least:
                        break
                least = min(least, bits)
        found[row] = least
    return found
