"""Finds the items whose clips are copies of a new one, by the hashes of their key frames (docs/adr/0040)."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.vision.gate.clip_hashes import MARK, frames_kept
from features.vision.gate.picture_hash import Asked
from inference.catalog.arrays import room, roomier
from inference.catalog.clips.places import Places
from inference.catalog.copied_pictures import KEPT_WORDS, are_copies

#: Frames that two clips have in common and that no title or opening is made of.
MANY: Final = 8


class HashedFrames(NamedTuple):
    """The row whose frame each is, int64 [m], -1 for none, and what it keeps of the frame, uint64 [m, KEPT_WORDS].

    The frames of a row are in their order, and others may lie between them.
    """

    rows: NDArray[np.int64]
    kept: NDArray[np.uint64]


class ClipHashes:
    """What the rows of a catalogue that show a clip keep of up to 16 key frames. Not thread-safe."""

    def __init__(self) -> None:
        self._places = Places()
        self._kept = room(np.uint64, KEPT_WORDS)

    def put(self, row: int, kept: bytes | None) -> None:
        """Write what a row keeps, instead of what it kept; None, or what is kept of a picture: it shows no clip."""
        frames = frames_kept(kept)
        if not len(frames) and row not in self._places:
            return
        places = self._places.put(row, len(frames))
        self._kept = roomier(self._kept, len(self._places.owners))
        self._kept[places] = frames

    def kept(self, row: int) -> bytes | None:
        """What a row keeps, as an item has it; None of one without a clip."""
        return MARK + self._kept[self._places.of(row)].astype("<u8").tobytes() if row in self._places else None

    def all(self) -> HashedFrames:
        """The frames of all rows, not copied: they change with the next `put`, also while another thread looks."""
        owners = self._places.owners
        return HashedFrames(owners, self._kept[: len(owners)])

    def of(self, rows: NDArray[np.int64]) -> HashedFrames:
        """The frames of those of some rows that show a clip, as a copy."""
        return self._copied(np.concatenate([np.zeros(0, np.int64), *map(self._places.of, rows.tolist())]))

    def stored(self) -> HashedFrames:
        """The frames of all rows that show a clip, as a copy."""
        return self._copied(self._places.taken)

    def fill(self, frames: HashedFrames) -> None:
        """Take what `stored` gave into this empty one."""
        self._places.fill(frames.rows)
        self._kept = roomier(self._kept, len(frames.rows))
        self._kept[: len(frames.rows)] = frames.kept

    def _copied(self, places: NDArray[np.int64]) -> HashedFrames:
        return HashedFrames(self._places.owners[places], self._kept[places])


def copied_clips(asked: Sequence[Asked], frames: HashedFrames) -> NDArray[np.int64]:
    """The rows whose clips a clip with these frames is a copy of, the likeliest first.

    Half of the frames of each have to be copies of frames of the other, and more than half of one of them: what two
    clips share, such as a title, does not make one a copy of the other. Half of both are enough where that is MANY
    frames: of a clip that moves fast, other frames are chosen when it is coded again.

    It looks at every frame, and does not hold Python's lock meanwhile. Of frames that change meanwhile it may say
    anything: look at what it found once more.
    """
    if not len(frames.rows) or not asked:
        return np.zeros(0, np.int64)
    rows = frames.rows.copy()
    matches = np.stack([are_copies(each, frames.kept) for each in asked])
    places = np.flatnonzero(matches.any(axis=0) & (rows >= 0))
    found, number = np.unique(rows[places], return_inverse=True)
    known = np.bincount(number, minlength=len(found))
    seen = np.sum([np.bincount(number, each[places], len(found)) > 0 for each in matches], axis=0)
    of_known, of_asked = known / np.bincount(rows[rows >= 0])[found], seen / len(asked)
    is_copy = (of_asked >= 0.5) & (of_known >= 0.5)
    is_copy &= (of_asked + of_known > 1) | (np.minimum(known, seen) >= MANY)
    best = np.argsort(-(of_asked + of_known), kind="stable")
    copied: NDArray[np.int64] = found[best[is_copy[best]]]
    return copied
