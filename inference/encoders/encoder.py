"""The contract of an encoder: a picture → unit vector and tags."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: Of a picture that is encoded: height, width, RGB.
SHAPE = (224, 224, 3)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`embedding` float32 [dimensions] of unit length; `tags` (ImageNet name, probability), the likeliest first.

    `version` is that of the encoder.
    """

    embedding: NDArray[np.float32]
    tags: tuple[tuple[str, float], ...]
    version: str


class Encoder(Protocol):
    """Turns pictures into vectors; vectors of different versions are never compared."""

    @property
    def version(self) -> str:
        """The name and version of the model, such as efficientnet-lite0@1."""

    async def encode(self, pixels: NDArray[np.uint8]) -> Encoding:
        """Encode one picture, uint8 [224, 224, 3].

        Raises BadEmbedding (never retry) or EncoderUnavailable (retry later).
        """

    async def encode_all(self, pixels: NDArray[np.uint8]) -> list[Encoding]:
        """Encode pictures that belong together, uint8 [n, 224, 224, 3], in one batch; raises as `encode` does."""

    async def salience(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Where things lie in a picture, uint8 [224, 224, 3]: float32 [n, n], large where something is.

        None where the model gives no such map, as one that a release before exported. Raises as `encode` does.
        """

    async def ready(self) -> bool:
        """Whether a call would be answered now."""

    async def close(self) -> None:
        """Close the connection."""
