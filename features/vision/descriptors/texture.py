"""Texture: uniform local binary patterns in two sizes of the picture.

Ojala, Pietikäinen and Mäenpää 2002, "Multiresolution gray-scale and rotation invariant texture classification with
local binary patterns"; here not invariant to rotation, since goods hang and lie the right way up.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.levels import shares_of, to_levels
from features.vision.descriptors.views import Views

#: Top and left of the eight neighbours of a pixel, around it; the first is the lowest bit of a pattern.
_AROUND = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
#: 58 uniform patterns, and one bin for all others.
_BINS = 59
_SCALE = 3.0
SIZE = 2 * _BINS


def describe(views: Views) -> NDArray[np.uint8]:
    """The levels [SIZE] of the patterns' histograms, of the larger size first."""
    patterns = [_patterns(np.asarray(grey)).ravel() for grey in (views.grey, views.small)]
    counts = [np.bincount(_uniform(), np.bincount(each, minlength=256), _BINS) for each in patterns]
    return to_levels(np.concatenate([shares_of(each) for each in counts]), _SCALE)


def _patterns(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """For each inner pixel [H - 2, W - 2] one bit for each neighbour that is at least as bright."""
    middle = grey[1:-1, 1:-1]
    patterns = np.zeros(middle.shape, np.uint8)
    for top, left in reversed(_AROUND):
        patterns += patterns  # one bit to the left, in place
        patterns |= grey[top : top + middle.shape[0], left : left + middle.shape[1]] >= middle
    return patterns


@cache
def _uniform() -> NDArray[np.uint8]:
    """The bin of each of the 256 patterns: its own if its bits change at most twice around the circle."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
    is_uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    return np.where(is_uniform, np.cumsum(is_uniform) - 1, _BINS - 1).astype(np.uint8)
