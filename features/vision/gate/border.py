"""A border that was put around a picture, or bars at two of its sides: even lines that end at once on their length.

The even ground of a catalogue picture is none: there the subject begins on a small part of a line. Where that is a
carton which stands straight, its corners are ground.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.vision.gate.inner_box import OTHER
from features.vision.gate.views import GateView

#: Levels from which on a border may be the ground of a catalogue picture.
_LIGHT: Final = 240
#: The tenth of a line at each end, and the least share of it that differs from the border within the first lines.
_END: Final = 0.1
_LEAST_AT_ENDS: Final = 0.1
_FIRST: Final = 6


def has_border(view: GateView) -> bool:
    """Whether two opposite sides of a picture have a border."""
    left, top, right, bottom = view.inner
    if left == top == 0:
        return False
    levels = np.asarray(view.grey, np.int16)
    inner = levels[top:bottom, left:right]
    across = left > 0 and _fill_their_ends(inner.T, np.median(levels[:, 0]))
    return across or (top > 0 and _fill_their_ends(inner, np.median(levels[0])))


def _fill_their_ends(lines: NDArray[np.int16], level: float) -> bool:
    """Whether what lies within a border of this level begins at both ends, too, of the first and the last lines."""
    if level < _LIGHT:
        return True
    end = max(1, round(lines.shape[1] * _END))
    for first in (lines[:_FIRST], lines[-_FIRST:]):
        differing = (np.abs(first - level) > OTHER).max(axis=0)
        if min(differing[:end].mean(), differing[-end:].mean()) < _LEAST_AT_ENDS:
            return False
    return True
