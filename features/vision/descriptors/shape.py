"""Shape: a spatial pyramid of edge orientations.

Bosch, Zisserman and Muñoz 2007, "Representing shape with a spatial pyramid kernel"; only the finest grid is kept,
since the coarser one follows from it.
"""

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.levels import shares_of, to_levels
from features.vision.descriptors.pyramid import CELLS
from features.vision.descriptors.views import Views

_ORIENTATIONS = 8
_SCALE = 6.0
SIZE = CELLS * CELLS * _ORIENTATIONS


def describe(views: Views) -> NDArray[np.uint8]:
    """The levels [CELLS, CELLS, orientations] flat: how strong the edges of each orientation are in each cell."""
    grey = np.asarray(views.grey, np.float32)
    across, down = grey[1:-1, 2:] - grey[1:-1, :-2], grey[2:, 1:-1] - grey[:-2, 1:-1]
    turns = np.arctan2(down, across) / np.pi  # an edge has no direction: half a turn is the same orientation
    orientations = np.floor(turns * _ORIENTATIONS).astype(np.int64) % _ORIENTATIONS
    rows, columns = (np.arange(length) * CELLS // length for length in orientations.shape)
    places = (rows[:, None] * CELLS + columns) * _ORIENTATIONS + orientations
    strengths = np.sqrt(across * across + down * down)
    return to_levels(shares_of(np.bincount(places.ravel(), strengths.ravel(), minlength=SIZE)), _SCALE)
