"""A picture as the checks of the gate look at it: whole, and at its own resolution unless that is high."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.gate.inner_box import inner_box

#: Pixels of the shorter side from which on a picture is made smaller by a whole number, as a large JPEG is when it is
#: decoded: what blurs a photo of 4,000 pixels by three of them blurs no picture that anybody sees.
_SIDE: Final = 224
#: Pixels whose colours are looked at; one in a few says as much as all.
_SAMPLED: Final = 6000


@dataclass(frozen=True, slots=True)
class GateView:
    """`grey` is the brightness (mode L), and `sample` uint8 [rows, columns, 3] evenly spread pixels in RGB.

    `shares` [256] are those of the pixels that are at most as light. `inner` is what is within a border (`inner_box`).
    `width` and `height` are those of the original.
    """

    grey: Image.Image
    sample: NDArray[np.uint8]
    shares: NDArray[np.float64]
    inner: tuple[int, int, int, int]
    width: int
    height: int

    @classmethod
    def of(cls, image: Image.Image, size: tuple[int, int]) -> Self:
        """The view of an upright RGB picture (see `reduced`), decoded from an original of this size."""
        grey = image.convert("L")
        step = max(1, round((image.width * image.height / _SAMPLED) ** 0.5))
        size_of_sample = max(1, image.width // step), max(1, image.height // step)
        sample = np.asarray(image.resize(size_of_sample, Image.Resampling.NEAREST))
        shares = np.cumsum(grey.histogram()) / (grey.width * grey.height)
        return cls(grey, sample, shares, inner_box(grey), *size)

    def level(self, share: float) -> int:
        """The level that this share of the pixels does not exceed."""
        return int(np.searchsorted(self.shares, share))


def reduced(image: Image.Image) -> Image.Image:
    """The picture, made smaller by the largest whole number that leaves _SIDE pixels of its shorter side."""
    factor = min(image.size) // _SIDE
    return image.reduce(factor) if factor > 1 else image
