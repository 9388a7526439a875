"""Hashes by which copies of a clip are found: those of its key frames, each as of a picture (`picture_hash`)."""

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.vision.clips.clip import MOST_FRAMES
from features.vision.gate.picture_hash import HASH_BYTES, KEPT_BYTES, MOST_BITS, WORDS, Asked, asked_of, kept_of
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


def frames_kept(kept: bytes | None) -> NDArray[np.uint64]:
    """What an item keeps of each frame of its clip, uint64 [n, KEPT_BYTES / 8], n ≤ MOST_FRAMES.

    None of a picture, of an item without hashes, or of what is of another version: whatever reads hashes asks here
    which bytes are a clip's.
    """
    count, rest = divmod(len(kept or b"") - len(MARK), KEPT_BYTES)
    if kept is None or not kept.startswith(MARK) or rest or count > MOST_FRAMES:
        return np.zeros((0, KEPT_BYTES // 8), np.uint64)
    return np.frombuffer(kept, "<u8", offset=len(MARK)).astype(np.uint64).reshape(-1, KEPT_BYTES // 8)


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
