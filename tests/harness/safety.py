"""A safety model without Triton: what is red is unsafe."""

import numpy as np
from numpy.typing import NDArray


class FakeSafety:
    """Keeps the contract of Score; raises `failure` while there is one."""

    def __init__(self) -> None:
        self.calls = 0
        self.failure: Exception | None = None

    async def score(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls += 1
        if self.failure is not None:
            raise self.failure
        red, green, blue = np.moveaxis(pictures.astype(np.float32), 3, 0)
        scores: NDArray[np.float32] = ((red - np.maximum(green, blue)) > 50).mean(axis=(1, 2), dtype=np.float32)
        return scores
