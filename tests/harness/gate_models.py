"""A model of the gate without Triton: what has one colour has the fault."""

import numpy as np
from numpy.typing import NDArray


class FakeModel:
    """Keeps the contract of Score: the share of pixels near a colour; raises `failure` while there is one."""

    def __init__(self, colour: tuple[int, int, int]) -> None:
        self._colour = colour
        self.calls = 0
        self.failure: Exception | None = None

    async def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        is_near = np.abs(pictures.astype(np.float32) - self._colour).max(axis=3) < 60
        scores: NDArray[np.float32] = is_near.mean(axis=(1, 2), dtype=np.float32)
        return scores
