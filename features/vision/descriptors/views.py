"""A picture as the descriptors look at it: in colour, and in two sizes of grey, computed once for all of them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, slots=True)
class Views:
    """`pixels` uint8 [H, W, 3] in RGB, and its brightness: `grey` of half the size each way, `small` of a quarter."""

    pixels: NDArray[np.uint8]
    grey: Image.Image
    small: Image.Image

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Self:
        """The views of pixels uint8 [H, W, 3], at least 32 a side."""
        brightness = Image.fromarray(pixels).convert("L")
        return cls(pixels, brightness.reduce(2), brightness.reduce(4))
