"""Exposure: how light the lightest of a picture is, and how much of the subject is at the end of the scale.

Of a pale colour that gets too much light, two channels reach the end before the third: its hue is lost. Beyond that it
is white, as the ground of a catalogue picture is, so white counts only where the subject is around it.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.vision.gate.views import GateView

#: The brightness of 255 that a hundredth of the pixels exceeds. Of 3,362 photos and catalogue pictures the darkest has
#: 105; a picture of a fourth of the light has 65 at most.
_DARKEST: Final = 80
#: Pixels whose channels all have this level are white ground, or as good as that.
_WHITE: Final = 250
#: A channel of this level or more is at the end of the scale.
_CLIPPED: Final = 254
#: Below this level of its darkest channel a pixel is of a strong colour, such as a lemon's, whose lighter channels are
#: at the end in well exposed pictures, too.
_PALE: Final = 40
#: The share of the pixels that are not white of which two channels are at the end; a ring on white has less, though
#: there is white within it.
_MOST_PALED: Final = 0.035
#: The share of the subject that is lost, with the white within it.
_MOST_LOST: Final = 0.09
#: Levels between the hundredth and the last hundredth; a picture with fewer shows nothing, not even darkly.
_LEAST_CONTRAST: Final = 4


def is_dark(view: GateView) -> bool:
    """Whether even the lightest part is dark, and there is something to be seen."""
    return view.level(0.99) < _DARKEST and not is_plain(view)


def is_bright(view: GateView) -> bool:
    """Whether much of the subject has lost its colours to the end of the scale."""
    red, green, blue = np.moveaxis(view.sample, 2, 0)
    lesser = np.minimum(red, green)
    least, middle = np.minimum(lesser, blue), np.maximum(lesser, np.minimum(np.maximum(red, green), blue))
    is_white = least >= _WHITE
    paled = int(((middle >= _CLIPPED) & (least >= _PALE) & ~is_white).sum())
    coloured = int((~is_white).sum())
    if paled <= _MOST_PALED * coloured:
        return False
    within = int((is_white & _is_enclosed_by(~is_white)).sum())
    return paled + within > _MOST_LOST * (coloured + within)


def _is_enclosed_by(subject: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The places of a grid that have some of the subject at or before them from each of the four sides."""
    seen = np.logical_or.accumulate
    across = seen(subject, axis=1) & seen(subject[:, ::-1], axis=1)[:, ::-1]
    enclosed: NDArray[np.bool_] = across & seen(subject, axis=0) & seen(subject[::-1], axis=0)[::-1]
    return enclosed


def is_plain(view: GateView) -> bool:
    """Whether all is of nearly one brightness: a colour, a wall, a lens cap."""
    return view.level(0.99) - view.level(0.01) < _LEAST_CONTRAST
