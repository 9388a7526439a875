"""Colours: the HSV histogram of the picture and that of its middle (Swain and Ballard 1991, "Color Indexing")."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.vision.colours import CELL_BITS, colour_cells
from features.vision.descriptors.levels import shares_of, to_levels
from features.vision.descriptors.views import Views

_HUES, _SATURATIONS, _VALUES, _GREYS = 18, 2, 2, 6
_COLOURS = _HUES * _SATURATIONS * _VALUES
_BINS = _COLOURS + _GREYS
#: What is less saturated or darker than this has no hue that one could see.
_PALE, _DARK = 0.15, 30
_SCALE = 1.5
#: Levels of the whole picture, then of its middle.
SIZE = 2 * _BINS


def describe(views: Views) -> NDArray[np.uint8]:
    """The levels [SIZE] of both histograms."""
    bins = _bin_table()[colour_cells(views.pixels)]
    top, left = (length // 4 for length in bins.shape)
    middle = bins[top : bins.shape[0] - top, left : bins.shape[1] - left]
    histograms = [shares_of(np.bincount(each.ravel(), minlength=_BINS)) for each in (bins, middle)]
    return to_levels(np.concatenate(histograms), _SCALE)


@cache
def _bin_table() -> NDArray[np.uint8]:
    """The bin of every colour cell [cells]: hue, saturation and value, or brightness alone where there is no hue."""
    levels = (np.arange(1 << CELL_BITS) + 0.5) * 2 ** (8 - CELL_BITS)
    rgb = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float32)
    red, green, blue = rgb.T
    value, chroma = rgb.max(axis=1), np.ptp(rgb, axis=1)
    spread = np.maximum(chroma, 1)
    sextant = np.where(
        value == red,
        (green - blue) / spread % 6,
        np.where(value == green, 2 + (blue - red) / spread, 4 + (red - green) / spread),
    )
    saturation = chroma / value
    hue = np.minimum(sextant * (_HUES / 6), _HUES - 1).astype(int)
    vivid = ((saturation - _PALE) / (1 - _PALE) * _SATURATIONS).astype(int).clip(0, _SATURATIONS - 1)
    bright = (value / 256 * _VALUES).astype(int)
    coloured = (hue * _SATURATIONS + vivid) * _VALUES + bright
    grey = _COLOURS + (value / 256 * _GREYS).astype(int)
    bins: NDArray[np.uint8] = np.where((saturation < _PALE) | (value < _DARK), grey, coloured).astype(np.uint8)
    return bins
