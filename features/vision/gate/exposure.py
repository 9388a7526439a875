"""Exposure: how light the lightest of a picture is, and how much of the subject is at the end of the scale."""

from typing import Final

import numpy as np

from features.vision.gate.views import GateView

#: The brightness of 255 that a hundredth of the pixels exceeds. Of 3,362 photos and catalogue pictures the darkest has
#: 105; a picture of a fourth of the light has 65 at most.
_DARKEST: Final = 80
#: Pixels whose channels all have this level are white ground, or as good as that.
_WHITE: Final = 250
#: A channel of this level or more is at the end of the scale.
_CLIPPED: Final = 254
#: Below this level of its darkest channel a pixel is of a strong colour, such as a lemon's, whose lightest channel is
#: at the end in well exposed pictures, too.
_PALE: Final = 40
#: The share of the pixels that are not white and are pale with such a channel; 0.242 at most in 81 catalogue pictures.
_MOST_CLIPPED: Final = 0.245
#: Levels between the hundredth and the last hundredth; a picture with fewer shows nothing, not even darkly.
_LEAST_CONTRAST: Final = 4


def is_dark(view: GateView) -> bool:
    """Whether even the lightest part is dark, and there is something to be seen."""
    return view.level(0.99) < _DARKEST and not is_plain(view)


def is_bright(view: GateView) -> bool:
    """Whether much of the subject has lost its colours to the end of the scale; a plain picture has no subject."""
    red, green, blue = view.sample.T
    least = np.minimum(np.minimum(red, green), blue)
    is_subject = least < _WHITE
    is_clipped = (np.maximum(np.maximum(red, green), blue) >= _CLIPPED) & is_subject & (least >= _PALE)
    return int(is_clipped.sum()) > _MOST_CLIPPED * int(is_subject.sum()) and not is_plain(view)


def is_plain(view: GateView) -> bool:
    """Whether all is of nearly one brightness: a colour, a wall, a lens cap."""
    return view.level(0.99) - view.level(0.01) < _LEAST_CONTRAST
