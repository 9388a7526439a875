"""What an item keeps of its clip, besides the one vector that stands for all of it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Key frames of a clip, at most.
MOST_FRAMES: Final = 16


@dataclass(frozen=True, slots=True)
class Clip:
    """The clip of an item: its duration, and the unit vectors of its key frames by one encoder, in their order.

    `frames` is little-endian float16 [n, dimensions], 1 ≤ n ≤ MOST_FRAMES: 512 bytes a frame of 256 dimensions.
    """

    duration_ms: int
    encoder: str
    frames: bytes

    def vectors(self, dimensions: int) -> NDArray[np.float32]:
        """The frames as float32 [n, dimensions]; [0, dimensions] where they have other dimensions, or are too many."""
        size = 2 * dimensions
        if len(self.frames) % size or len(self.frames) > MOST_FRAMES * size:
            return np.zeros((0, dimensions), np.float32)
        return np.frombuffer(self.frames, "<f2").astype(np.float32).reshape(-1, dimensions)
