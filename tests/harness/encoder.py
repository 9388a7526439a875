"""An encoder without Triton: similar colours in similar places give similar vectors."""

import numpy as np
from numpy.typing import NDArray

from inference.encoders.encoder import SHAPE, Encoding
from inference.errors import BadEmbedding, EncoderUnavailable

_CELLS = 9
_DIMENSIONS = 256


class FakeEncoder:
    """Keeps the contract of Encoder; while `failure` is set, calls raise it."""

    def __init__(self, version: str = "fake@1") -> None:
        self._version = version
        self.gives_salience = True
        self.failure: BadEmbedding | EncoderUnavailable | None = None

    @property
    def version(self) -> str:
        return self._version

    async def encode(self, pixels: NDArray[np.uint8]) -> Encoding:
        if pixels.shape != SHAPE or pixels.dtype != np.uint8:
            raise BadEmbedding(f"the picture is {pixels.dtype} {pixels.shape}")
        if self.failure is not None:
            raise self.failure
        side = SHAPE[0] // _CELLS
        cut = pixels[: side * _CELLS, : side * _CELLS].astype(np.float32)
        means = cut.reshape(_CELLS, side, _CELLS, side, 3).mean(axis=(1, 3)) / 255 - 0.5
        vector = np.zeros(_DIMENSIONS, dtype=np.float32)
        vector[: means.size] = means.ravel()
        vector[-1] = 0.1  # so that mid-grey has a direction too
        return Encoding(vector / np.linalg.norm(vector), (("picture", 0.9),), self._version)

    async def encode_all(self, pixels: NDArray[np.uint8]) -> list[Encoding]:
        return [await self.encode(each) for each in pixels]

    async def salience(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """How far each of 14 × 14 cells is in colour from the mean of the border; None without `gives_salience`."""
        await self.encode(pixels)
        if not self.gives_salience:
            return None
        cells = pixels.reshape(14, 16, 14, 16, 3).mean(axis=(1, 3)).astype(np.float32)
        border = np.concatenate([cells[0], cells[-1], cells[:, 0], cells[:, -1]]).mean(axis=0)
        found: NDArray[np.float32] = np.linalg.norm(cells - border, axis=2)
        return found

    async def ready(self) -> bool:
        return self.failure is None

    async def close(self) -> None:
        self.failure = EncoderUnavailable("closed")
