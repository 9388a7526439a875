"""What is within a border that was put around a picture: its lines are even, and it ends at once on their length."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Levels by which a pixel differs from the border.
OTHER: Final = 24
#: The share of a line that differs where the border has ended, and where the picture has begun.
_ENDED, _BEGUN = 0.1, 0.75
#: Lines within which the picture begins: a JPEG's blocks blur the end.
_SOON: Final = 3
_LEAST_SHARE: Final = 0.02
_MOST_SHARE: Final = 0.4
#: Every so many pixels of a line are looked at.
_STEP: Final = 3


def inner_box(grey: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is within a border of a picture in mode L; all of it without one."""
    levels = np.asarray(grey, np.int16)
    top, bottom = _pair(levels[:, ::_STEP])
    left, right = _pair(levels[::_STEP].T)
    return left, top, grey.width - right, grey.height - bottom


def _pair(lines: NDArray[np.int16]) -> tuple[int, int]:
    """The widths of a border of one level before and behind lines [n, pixels]; 0 and 0 unless both are there."""
    first, last = np.median(lines[[0, -1]], axis=1).astype(np.float32)
    if abs(first - last) > OTHER or not (before := _width(lines, first)):
        return 0, 0
    behind = _width(lines[::-1], last)
    return (before, behind) if behind else (0, 0)


def _width(lines: NDArray[np.int16], level: np.float32) -> int:
    most = int(len(lines) * _MOST_SHARE)
    differing = (np.abs(lines[: most + _SOON] - level) > OTHER).mean(axis=1)
    ended, begun = differing > _ENDED, differing > _BEGUN
    if not begun.any():
        return 0
    end, begin = int(ended.argmax()), int(begun.argmax())
    is_border = begin - end <= _SOON and max(3, len(lines) * _LEAST_SHARE) <= begin <= most
    return begin if is_border else 0
