"""The middles of a square by which copies are found, each drawn as 32 × 32 cells.

A cell is the mean of 3 or 4 pixels across, rounded, and of 3 or 4 such means down, rounded: what Pillow's BOX filter
gives for each middle by itself, with less work. Kept hashes are of such cells, so no level may differ.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

#: Pixels a side of the square, and cells a side of each of its middles.
SQUARE: Final = 128
SIDE: Final = 32
#: Shares of a side that are left out at each end: all of the square first, and then smaller middles.
MARGINS: Final = tuple(0.1 * step / 14 for step in range(15))


def middles(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The cells of each middle of a square [SQUARE, SQUARE], float32 [len(MARGINS), SIDE, SIDE]."""
    columns = np.zeros((SQUARE + 3, SQUARE), np.uint16)
    columns[:SQUARE] = square.T
    three = columns[:-3] + columns[1:-2] + columns[2:-1]
    means = np.concatenate(((three + 1) // 3, (three + columns[3:] + 2) // 4))
    across = means[_MEANS].astype(np.float32)
    down = np.floor((across @ _ROWS) * _PER_PIXEL + np.float32(0.5))
    cells: NDArray[np.float32] = down.transpose(0, 2, 1)
    return cells


def _ends() -> NDArray[np.int64]:
    """Where the cells of each middle end, the first of them at 0: pixels [len(MARGINS), SIDE + 1]."""
    margins = np.array(MARGINS)[:, None]
    return np.floor(SQUARE * (margins + (1 - 2 * margins) * np.arange(SIDE + 1) / SIDE) + 0.5).astype(np.int64)


_ENDS: Final = _ends()
_COUNTS: Final = np.diff(_ENDS)
#: For each cell, the place of its mean among those of 3 pixels from each on, and behind them those of 4.
_MEANS: Final = _ENDS[:, :-1] + np.where(_COUNTS == 4, SQUARE, 0)
_PIXELS: Final = np.arange(SQUARE)[:, None]
#: Which rows are in a cell [len(MARGINS), SQUARE, SIDE], 0 or 1, and what each of them counts.
_ROWS: Final = ((_ENDS[:, None, :-1] <= _PIXELS) & (_ENDS[:, None, 1:] > _PIXELS)).astype(np.float32)
_PER_PIXEL: Final = (1 / _COUNTS[:, None, :]).astype(np.float32)
