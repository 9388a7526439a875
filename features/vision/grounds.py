"""What is seen of a transparent picture depends on the ground; it gets the one that shows it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_WHITE, _DARK = (255, 255, 255), (32, 32, 32)
#: A picture on white with less than this between its lightest and darkest level of a channel shows next to nothing.
PLAIN = 40
#: Less alpha than this is not seen on any ground.
_LEAST_ALPHA = 12


def on_ground(image: Image.Image) -> Image.Image | None:
    """An RGBA picture on white, or on a dark ground if only that shows it; None if all of it is transparent."""
    if np.asarray(image.getchannel("A")).max() < _LEAST_ALPHA:
        return None
    white = Image.alpha_composite(Image.new("RGBA", image.size, _WHITE), image)
    if contrast(white) >= PLAIN:
        return white
    dark = Image.alpha_composite(Image.new("RGBA", image.size, _DARK), image)
    return dark if contrast(dark) > contrast(white) else white


def grey_on_ground(levels: NDArray[np.uint8], transparent: NDArray[np.bool_]) -> Image.Image | None:
    """A grey picture of one transparent level, by the same rule; `levels` [H, W] are changed in place."""
    if transparent.all():
        return None
    levels[transparent] = _WHITE[0]
    if _WHITE[0] - int(levels.min()) < PLAIN:
        levels[transparent] = _DARK[0]
    return Image.fromarray(levels)


def contrast(image: Image.Image) -> int:
    """The levels between the lightest and the darkest pixel, in the channel where that is most, 0 to 255."""
    levels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    return int((levels.max(axis=0) - levels.min(axis=0)).max())
