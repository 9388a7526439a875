"""A border that was put around a picture, or bars at two of its sides: even lines that end at once on their length.

The even ground of a catalogue picture is none: there the subject begins on a small part of a line. Where that is a
carton which stands straight, its corners are ground.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.gate.views import GateView

#: Levels by which a pixel differs from the border.
_OTHER: Final = 24
#: The share of a line that differs where the border has ended, and where the picture has begun.
_ENDED, _BEGUN = 0.1, 0.75
#: Lines within which the picture begins: a JPEG's blocks blur the end.
_SOON: Final = 3
_LEAST_SHARE: Final = 0.02
_MOST_SHARE: Final = 0.4
#: Levels from which on a border may be the ground of a catalogue picture.
_LIGHT: Final = 240
#: The tenth of a line at each end, and the least share of it that differs from the border within the first lines.
_END: Final = 0.1
_LEAST_AT_ENDS: Final = 0.1
_FIRST: Final = 6
#: Every so many pixels of a line are looked at.
_STEP: Final = 3


def inner_box(grey: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is within a border of a picture in mode L; all of it without one."""
    levels = np.asarray(grey, np.int16)
    top, bottom = _pair(levels[:, ::_STEP])
    left, right = _pair(levels[::_STEP].T)
    return left, top, grey.width - right, grey.height - bottom


def has_border(view: GateView) -> bool:
    """Whether two opposite sides of a picture have a border."""
    left, top, right, bottom = inner_box(view.grey)
    levels = np.asarray(view.grey, np.int16)
    inner = levels[top:bottom, left:right]
    across = left > 0 and _fill_their_ends(inner.T, np.median(levels[:, 0]))
    return across or (top > 0 and _fill_their_ends(inner, np.median(levels[0])))


def _pair(lines: NDArray[np.int16]) -> tuple[int, int]:
    """The widths of a border of one level before and behind lines [n, pixels]; 0 and 0 unless both are there."""
    levels = np.median(lines[0]), np.median(lines[-1])
    if abs(levels[0] - levels[1]) > _OTHER:
        return 0, 0
    widths = _width(lines, levels[0]), _width(lines[::-1], levels[1])
    return widths if all(widths) else (0, 0)


def _width(lines: NDArray[np.int16], level: float) -> int:
    most = int(len(lines) * _MOST_SHARE)
    differing = (np.abs(lines[: most + _SOON] - level) > _OTHER).mean(axis=1)
    ended, begun = differing > _ENDED, differing > _BEGUN
    if not begun.any():
        return 0
    end, begin = int(ended.argmax()), int(begun.argmax())
    is_border = begin - end <= _SOON and max(3, len(lines) * _LEAST_SHARE) <= begin <= most
    return begin if is_border else 0


def _fill_their_ends(lines: NDArray[np.int16], level: float) -> bool:
    """Whether what lies within a border of this level begins at both ends, too, of the first and the last lines."""
    if level < _LIGHT:
        return True
    end = max(1, round(lines.shape[1] * _END))
    for first in (lines[:_FIRST], lines[-_FIRST:]):
        differing = (np.abs(first - level) > _OTHER).max(axis=0)
        if min(differing[:end].mean(), differing[-end:].mean()) < _LEAST_AT_ENDS:
            return False
    return True
