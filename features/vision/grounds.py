"""What is seen of a transparent picture depends on the ground; it gets the one that shows it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE, _DARK = 255, 32
#: Levels between light and dark, in the channel where that is most, below which next to nothing is seen.
PLAIN = 40
#: Less alpha than this is not seen on any ground.
LEAST_ALPHA = 12
#: The share of what is visible that must stand out from white; less is a speck.
_LEAST_SHARE = 0.02


def on_ground(image: Image.Image) -> Image.Image | None:
    """An RGBA picture on white, or on a dark ground if only that shows it; None if all of it is transparent."""
    visible = np.asarray(image.getchannel("A")) >= LEAST_ALPHA
    if not visible.any():
        return None
    white = _composed(image, _WHITE)
    if _stands_out(np.asarray(white).min(axis=2)[visible]):
        return white
    dark = _composed(image, _DARK)
    return dark if np.std(np.asarray(dark)) > np.std(np.asarray(white)) else white


def grey_on_ground(levels: NDArray[np.uint8], transparent: NDArray[np.bool_]) -> Image.Image | None:
    """A grey picture of one transparent level, by the same rule; `levels` [H, W] are changed in place."""
    if transparent.all():
        return None
    levels[transparent] = _WHITE if _stands_out(levels[~transparent]) else _DARK
    return Image.fromarray(levels)


def contrast(image: Image.Image) -> int:
    """The levels between the lightest and the darkest pixel of an RGB picture, in the channel where that is most."""
    levels = np.asarray(image).reshape(-1, 3)
    return int((levels.max(axis=0) - levels.min(axis=0)).max())


def _composed(image: Image.Image, level: int) -> Image.Image:
    ground = Image.new("RGBA", image.size, (level, level, level))
    return Image.alpha_composite(ground, image).convert("RGB")


def _stands_out(levels: NDArray[np.uint8]) -> bool:
    """Whether enough of the visible pixels differ from white; `levels` are those of their darkest channel."""
    return float((levels <= _WHITE - PLAIN).mean()) >= _LEAST_SHARE
