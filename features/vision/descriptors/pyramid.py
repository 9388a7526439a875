"""The spatial pyramid: a grid of histograms compared cell by cell, and in fewer, larger cells as well.

Lazebnik, Schmid and Ponce 2006, "Beyond bags of features: spatial pyramid matching".
"""

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.similarities import centred, unit

#: Cells along each side of the finest grid.
CELLS = 4
#: A match in a cell of the next grid counts half: it may be one by chance.
_COARSE = 0.5


def pyramid(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Both grids of levels [n, CELLS · CELLS · bins], each less its mean and of unit length: float32 [n, 1.25 times].

    A level is the square root of a share (`features.vision.descriptors.levels`), so the larger cells add up squares.
    """
    fine = levels.astype(np.float32)
    squares = np.square(fine).reshape(len(fine), CELLS // 2, 2, CELLS // 2, 2, -1)
    # Sums of slices: `sum` over two axes takes ten times as long.
    rows = squares[:, :, 0] + squares[:, :, 1]
    coarse = np.sqrt(rows[:, :, :, 0] + rows[:, :, :, 1]).reshape(len(fine), -1)
    return np.concatenate([unit(centred(fine)), np.float32(_COARSE) * unit(centred(coarse))], axis=1)
