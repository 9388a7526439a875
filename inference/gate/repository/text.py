"""What the text model answers: the width of the widest line of text, of the width of the picture."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: The probability from which on a pixel is text.
_TEXT: Final = 0.3
#: A line is at least so many times as wide as it is high; and its height is at most this share of the picture's.
_SLENDER: Final = 3
_MOST_HEIGHT: Final = 0.2


def answer(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """The share [N, 1] of the width that the widest line of text takes, of pixels [N, 1, height, width]."""
    return np.array([[_widest_line(each[0] >= _TEXT)] for each in probabilities], np.float32)


def _widest_line(is_text: NDArray[np.bool_]) -> float:
    """The longest run of a row whose pixels lie in columns of text that are short beside it."""
    height, width = is_text.shape
    rows, starts, ends = _runs(is_text)
    heights = np.zeros((width, height), np.int64)
    for column, top, bottom in zip(*_runs(is_text.T), strict=True):
        heights[column, top:bottom] = bottom - top
    sums = np.pad(np.cumsum(heights.T, axis=1), ((0, 0), (1, 0)))
    lengths = ends - starts
    mean_heights = (sums[rows, ends] - sums[rows, starts]) / np.maximum(lengths, 1)
    is_line = (_SLENDER * mean_heights <= lengths) & (mean_heights <= _MOST_HEIGHT * height)
    return float(lengths[is_line].max(initial=0) / width)


def _runs(is_text: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The runs of text along the rows: row, start and end of each."""
    steps = np.diff(np.pad(is_text, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    return rows, starts, np.nonzero(steps == -1)[1]
