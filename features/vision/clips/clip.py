"""What an item keeps of its clip, besides the one vector that stands for all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

#: Key frames of a clip, at most.
MOST_FRAMES: Final = 16
#: Key frames of which tiles are made, evenly over all: three tiles each of a clip in 16:9 are fewer than MOST_FRAMES.
MOST_TILED: Final = 5


@dataclass(frozen=True, slots=True)
class Clip:
    """The clip of an item: its duration, and the unit vectors of its key frames by one encoder, in their order.

    `frames` is little-endian float16 [n, dimensions], 1 ≤ n ≤ MOST_FRAMES: 512 bytes a frame of 256 dimensions.
    `others` are the same frames by other encoders, while an item has vectors of several (docs/adr/0060).
    """

    duration_ms: int
    encoder: str
    frames: bytes
    others: Mapping[str, bytes] = field(default_factory=dict)

    def vectors(self, dimensions: int, encoder: str | None) -> NDArray[np.float32]:
        """The frames by an encoder as float32 [n, dimensions].

        [0, dimensions] where there are none, where they have other dimensions, or are too many.
        """
        frames, size = self.frames if encoder == self.encoder else self.others.get(encoder or "", b""), 2 * dimensions
        if len(frames) % size or len(frames) > MOST_FRAMES * size:
            return np.zeros((0, dimensions), np.float32)
        return np.frombuffer(frames, "<f2").astype(np.float32).reshape(-1, dimensions)

    def with_frames(self, encoder: str, frames: bytes) -> Self:
        """The clip with the frames by one more encoder; those that it had first stay first."""
        if encoder == self.encoder:
            return replace(self, frames=frames)
        return replace(self, others={**self.others, encoder: frames})

    def without(self, encoder: str) -> Self:
        """The clip without the frames by an encoder; the only ones stay."""
        left = {name: each for name, each in self.others.items() if name != encoder}
        if encoder != self.encoder:
            return replace(self, others=left)
        if not left:
            return self
        first = next(iter(left))
        return replace(self, encoder=first, frames=left.pop(first), others=left)
