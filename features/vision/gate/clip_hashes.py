"""Hashes by which copies of a clip are found: those of its key frames, each as of a picture (`picture_hash`)."""

from collections.abc import Iterator
from typing import Final

from features.vision.gate.picture_hash import HASH_BYTES, Asked, asked_of, kept_of

#: What an item keeps of a clip begins so, and is never as long as what it keeps of a picture: a still is no copy of its
#: clip.
MARK: Final = b"c"


def kept_of_clip(found: bytes) -> bytes | None:
    """What an item keeps of the hashes of its clip's frames, HASH_BYTES each; None if all frames are plain."""
    kept = [each for frame in _frames(found) if (each := kept_of(frame)) is not None]
    return MARK + b"".join(kept) if kept else None


def asked_of_clip(found: bytes) -> list[Asked]:
    """What is looked for among what items keep, by frame that is not plain."""
    return [asked_of(frame) for frame in _frames(found) if kept_of(frame) is not None]


def _frames(found: bytes) -> Iterator[bytes]:
    """The hashes of each frame; what is left over at the end, in an answer that nobody should give, is of none."""
    return (found[end - HASH_BYTES : end] for end in range(HASH_BYTES, len(found) + 1, HASH_BYTES))
