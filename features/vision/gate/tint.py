"""The tint of a picture: its hues by their strength, and how light it is. It stays when a picture is cropped or made
lighter, and tells the red shirt of a catalogue from the blue one, whose outlines are the same.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.vision.gate.views import GateView

_HUES: Final = 12
_QUANTILES: Final = (0.05, 0.5, 0.95)
#: Bytes: a share of each hue, the mean strength, and three levels of brightness.
TINT_BYTES: Final = _HUES + 1 + len(_QUANTILES)
#: Strengths of 255 below which a picture is grey.
_GREY: Final = 3
#: The least cosine of the hues of copies; and levels by which the brightness of a grey copy differs at most.
_LEAST_ALIKE: Final = 0.8
_MOST_LEVELS: Final = 12
#: By what all levels of a grey picture are multiplied at least in a darker copy of it.
_LEAST_EXPOSURE: Final = 0.5


def tint(view: GateView) -> NDArray[np.uint8]:
    """The tint of a picture, uint8 [TINT_BYTES]."""
    red, green, blue = view.sample.reshape(-1, 3).T.astype(np.float32)
    # Two axes across the greys, at right angles.
    east, north = red - (green + blue) / 2, (green - blue) * np.float32(3**0.5 / 2)
    strength = np.hypot(east, north)
    hues = ((np.arctan2(north, east) / (2 * np.pi) + 1) * _HUES + 0.5).astype(np.int64) % _HUES
    sums = np.bincount(hues, strength, _HUES)
    shares = np.rint(255 * sums / max(sums.max(), 1.0))
    levels = [view.level(share) for share in _QUANTILES]
    return np.array([*shares, min(strength.mean(), 255), *levels], np.float32).astype(np.uint8)


def have_one_tint(new: NDArray[np.uint8], old: NDArray[np.uint8]) -> bool:
    """Whether a picture with the tint `new` can be a copy of one with the tint `old`, both [TINT_BYTES].

    One that is grey can be a copy of any with its brightness, and of a grey one at another exposure.
    """
    one, other = new.astype(np.float32), old.astype(np.float32)
    if one[_HUES] < _GREY:
        exposure = other[-1] / max(one[-1], 1.0) if other[_HUES] < _GREY else 1.0
        factors = (1.0, exposure) if _LEAST_EXPOSURE <= exposure <= 1 / _LEAST_EXPOSURE else (1.0,)
        off = [np.abs(factor * one[_HUES + 1 :] - other[_HUES + 1 :]).max() for factor in factors]
        return bool(min(off) <= _MOST_LEVELS)
    lengths = np.linalg.norm(one[:_HUES]) * np.linalg.norm(other[:_HUES])
    return bool(other[_HUES] >= _GREY and one[:_HUES] @ other[:_HUES] >= _LEAST_ALIKE * lengths)
