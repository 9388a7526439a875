"""Decodes untrusted bytes to an RGB picture of fixed size, or refuses them with a reason."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.formats import check_length, check_size, sniff
from features.vision.frames import most_to_see
from features.vision.grounds import LEAST_ALPHA
from features.vision.opening import see
from features.vision.pixels import shown, upright


@dataclass(frozen=True, slots=True)
class Picture:
    """`pixels` is uint8 [size, size, 3] RGB; width and height are those of the upright original.

    `descriptors` are those of `features.vision.descriptors.packed`, where somebody computed them.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str
    descriptors: bytes | None = None


def decode(data: bytes, *, size: int = 224) -> Picture:
    """Return the middle square, upright, opaque, in sRGB, size × size; raise BadImage.

    It is that of the first frame, or of a later one if the first shows next to nothing. The header is checked before
    any pixel is decoded, so a decompression bomb costs neither time nor memory. Call it in one thread at a time
    (`features.vision.opening`).
    """
    check_length(data)
    return see(data, partial(_decode, format_=sniff(data), size=size))


def _decode(image: Image.Image, format_: str, size: int) -> Picture:
    check_size(image)
    original = image.size
    image.draft("RGB", (size, size))
    pixels = np.array(most_to_see(image, lambda frame: shown(frame, partial(_fit, size=size))), dtype=np.uint8)
    width, height = upright(image, original)
    return Picture(pixels, width, height, format_)


def _fit(image: Image.Image, size: int) -> Image.Image:
    """Scale the middle square; cropping finds similar pictures better than squeezing (docs/encoder.md)."""
    box = _middle((0, 0, *image.size))
    if image.getbands()[-1] in ("A", "a"):
        alpha = image.getchannel(len(image.getbands()) - 1).point(lambda level: 255 * (level >= LEAST_ALPHA))
        # A wide logo at one side: the middle of what is visible.
        if alpha.getextrema() != (0, 0) and alpha.crop(box).getextrema() == (0, 0):
            box = _middle(alpha.getbbox() or (0, 0, *image.size))
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def _middle(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The largest square in the middle of a box of left, top, right, bottom."""
    side = min(box[2] - box[0], box[3] - box[1])
    left, top = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    return left, top, left + side, top + side
