"""An opened picture → opaque upright sRGB pixels of the size that is wanted, as a viewer sees them."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from features.vision.colour_space import to_srgb
from features.vision.grounds import grey_on_ground, on_ground
from features.vision.opening import PILLOW_ERRORS

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MULTIPLIED = {"RGBA": "RGBa", "LA": "La"}
_STRAIGHT = {multiplied: straight for straight, multiplied in _MULTIPLIED.items()}
_ORIENTATION = 0x0112
_SWAPS_SIDES = (5, 6, 7, 8)


def shown(image: Image.Image, scale: Callable[[Image.Image], Image.Image]) -> Image.Image | None:
    """The decoded frame as an RGB picture, scaled and upright; None if all of it is transparent.

    `scale` gets the whole frame in a mode that can be scaled. Colours are converted after it, where there are few.
    """
    pixels = plain(image)
    return None if pixels is None else finished(scale(pixels), image)


def finished(small: Image.Image, image: Image.Image) -> Image.Image | None:
    """What was scaled of the `plain` pixels of a frame, as an upright RGB picture; None if all of it is transparent."""
    if (turn := _TURNS.get(orientation(image))) is not None:
        small = small.transpose(turn)
    if small.mode in _STRAIGHT:
        small = small.convert(_STRAIGHT[small.mode])
    small = to_srgb(small, image.info)
    if small.mode in _MULTIPLIED:
        return on_ground(small.convert("RGBA"))
    return small.convert("RGB")


def upright(image: Image.Image, size: tuple[int, int]) -> tuple[int, int]:
    """Width and height as a viewer sees them, of a loaded picture that is stored with this size."""
    width, height = size
    return (height, width) if orientation(image) in _SWAPS_SIDES else size


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; unreadable EXIF does not make a picture unusable."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (*PILLOW_ERRORS, MemoryError, Warning):
        return 1


def plain(image: Image.Image) -> Image.Image | None:
    """Convert 16-bit, palette, bilevel and transparent pictures to a mode that can be scaled; None if none is visible.

    Colours are multiplied by alpha here, where the original is freed; `resize` would need one more copy of all pixels.
    """
    if image.mode.startswith("I"):
        return _grey(image)
    if image.has_transparency_data and image.size == (1, 1):
        return image.convert("RGB")  # of a single pixel only the colour could be seen
    if image.has_transparency_data:
        if image.mode not in _MULTIPLIED:
            image = image.convert("RGBA")
        return image.convert(_MULTIPLIED[image.mode])
    if image.mode in ("P", "1", "F", "LAB", "HSV"):
        return image.convert("RGB")
    return image


def _grey(image: Image.Image) -> Image.Image | None:
    """Keep the upper 8 of 16 bits, in place, since there may be 40 million pixels."""
    values = np.array(image)
    clear = image.info.get("transparency")
    transparent = values == clear if isinstance(clear, int) else None
    values >>= 8
    levels = values.clip(0, 255, out=values).astype(np.uint8)
    return Image.fromarray(levels) if transparent is None else grey_on_ground(levels, transparent)
