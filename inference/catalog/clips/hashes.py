"""Finds the items whose clips are copies of a new one, by the hashes of their key frames (docs/adr/0040)."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vision.clips.clip import MOST_FRAMES
from features.vision.gate.clip_hashes import MARK
from features.vision.gate.picture_hash import KEPT_BYTES, Asked
from inference.catalog.copied_pictures import KEPT_WORDS, are_copies

_NO_FRAMES: Final = np.zeros((0, KEPT_WORDS), np.uint64)


class HashedFrames(NamedTuple):
    """The row whose frame each is, int64 [m], and what it keeps of the frame, uint64 [m, KEPT_WORDS].

    The frames of a row follow one another.
    """

    rows: NDArray[np.int64]
    kept: NDArray[np.uint64]


class ClipHashes:
    """What the rows of a catalogue that show a clip keep of up to 16 key frames. Not thread-safe."""

    def __init__(self) -> None:
        self._kept: dict[int, NDArray[np.uint64]] = {}
        self._all: HashedFrames | None = None

    def put(self, row: int, kept: bytes | None) -> None:
        """Write what a row keeps, instead of what it kept; None, or what is kept of a picture: it shows no clip."""
        frames = _readable(kept)
        if len(frames) or row in self._kept:
            self._all = None
            self._kept.pop(row, None)
        if len(frames):
            self._kept[row] = frames

    def kept(self, row: int) -> bytes | None:
        """What a row keeps, as an item has it; None of one without a clip."""
        return MARK + self._kept[row].astype("<u8").tobytes() if row in self._kept else None

    def all(self) -> HashedFrames:
        """The frames of all rows, in arrays that do not change: another thread may look at them."""
        if self._all is None:
            self._all = self.of(np.array([*self._kept], np.int64))
        return self._all

    def of(self, rows: NDArray[np.int64]) -> HashedFrames:
        """The frames of those of some rows that show a clip."""
        found = [(row, self._kept[row]) for row in rows.tolist() if row in self._kept]
        owners = np.repeat(np.array([row for row, _ in found], np.int64), [len(frames) for _, frames in found])
        return HashedFrames(owners, np.concatenate([_NO_FRAMES, *(frames for _, frames in found)]))

    def fill(self, frames: HashedFrames) -> None:
        """Take the frames of another one into this empty one."""
        order = np.argsort(frames.rows, kind="stable")
        known, starts = np.unique(frames.rows[order], return_index=True)
        parts = np.split(np.array(frames.kept)[order], starts[1:])
        self._kept = dict(zip(known.tolist(), parts, strict=bool(len(known))))
        self._all = None


def copied_clips(asked: Sequence[Asked], frames: HashedFrames) -> NDArray[np.int64]:
    """The rows whose clips a clip with these frames is a copy of, the likeliest first.

    Half of the frames of each have to be copies of frames of the other, and more than half of one of them: what two
    clips share, such as a title, does not make one a copy of the other. It looks at every frame, and does not hold
    Python's lock meanwhile.
    """
    if not len(frames.rows) or not asked:
        return np.zeros(0, np.int64)
    matches = np.stack([are_copies(each, frames.kept) for each in asked])
    starts = np.flatnonzero(np.diff(frames.rows, prepend=-1))
    counts = np.diff(starts, append=len(frames.rows))
    of_asked = np.logical_or.reduceat(matches, starts, axis=1).sum(axis=0) / len(asked)
    of_known = np.add.reduceat(matches.any(axis=0).astype(np.int64), starts) / counts
    both = of_asked + of_known
    best = np.argsort(-both, kind="stable")
    best = best[((of_asked >= 0.5) & (of_known >= 0.5) & (both > 1))[best]]
    found: NDArray[np.int64] = frames.rows[starts[best]]
    return found


def _readable(kept: bytes | None) -> NDArray[np.uint64]:
    """What is kept of a clip's frames [n, KEPT_WORDS]; none of a picture, or of another version."""
    size = 0 if kept is None or not kept.startswith(MARK) else len(kept) - len(MARK)
    if kept is None or size == 0 or size % KEPT_BYTES or size > MOST_FRAMES * KEPT_BYTES:
        return _NO_FRAMES
    return np.frombuffer(kept, "<u8", offset=len(MARK)).astype(np.uint64).reshape(-1, KEPT_WORDS)
