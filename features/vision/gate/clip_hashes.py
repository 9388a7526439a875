"""Hashes by which copies of a clip are found: those of its key frames, each as of a picture (`picture_hash`)."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from features.vision.gate.picture_hash import HASH_BYTES, MOST_BITS, WORDS, Asked, asked_of, kept_of
from features.vision.gate.tint import TINT_BYTES, have_one_tint

#: What an item keeps of a clip begins so, and is never as long as what it keeps of a picture: a still is no copy of its
#: clip.
MARK: Final = b"c"


def kept_of_clip(found: bytes) -> bytes | None:
    """What an item keeps of the hashes of its clip's frames, HASH_BYTES each; None if all frames are plain.

    A frame that comes again counts once: what begins and ends two clips does not make one a copy of the other.
    """
    kept = [kept_of(frame) or b"" for frame in _distinct(found)]
    return MARK + b"".join(kept) if kept else None


def asked_of_clip(found: bytes) -> list[Asked]:
    """What is looked for among what items keep, by frame that is not plain."""
    return [asked_of(frame) for frame in _distinct(found)]


def _distinct(found: bytes) -> list[bytes]:
    """The hashes of each frame that is not plain, and of a picture that comes again, such as a title, the first."""
    kept = list[bytes]()
    for frame in _frames(found):
        if kept_of(frame) is not None and not any(_are_same(frame, other) for other in kept):
            kept.append(frame)
    return kept


def _are_same(one: bytes, other: bytes) -> bool:
    words = (np.frombuffer(each, "<u8", WORDS) for each in (one, other))
    tints = (np.frombuffer(each[-TINT_BYTES:], np.uint8) for each in (one, other))
    return int(np.bitwise_count(np.bitwise_xor(*words)).sum()) <= MOST_BITS and have_one_tint(*tints)


def _frames(found: bytes) -> Iterator[bytes]:
    """The hashes of each frame; what is left over at the end, in an answer that nobody should give, is of none."""
    return (found[end - HASH_BYTES : end] for end in range(HASH_BYTES, len(found) + 1, HASH_BYTES))
