"""Shares of a histogram in 16 levels, four bits each: small shares get finer steps, since they say as much."""

import numpy as np
from numpy.typing import NDArray

_TOP = 15


def to_levels(shares: NDArray[np.floating], scale: float) -> NDArray[np.uint8]:
    """The square root of each share 0..1, times `scale`, in levels 0 to 15; what is above the top is the top.

    With square roots the cosine of two histograms is their Bhattacharyya coefficient (Arandjelović and Zisserman 2012,
    "Three things everyone should know to improve object retrieval").

    >>> to_levels(np.array([0.0, 0.01, 0.25, 1.0]), 2.0).tolist()
    [0, 3, 15, 15]
    """
    levels: NDArray[np.uint8] = np.rint(_TOP * np.minimum(scale * np.sqrt(shares), 1.0)).astype(np.uint8)
    return levels


def shares_of(counts: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Counts as shares of their sum; zeros where nothing was counted."""
    return counts.astype(np.float64) / max(float(counts.sum()), 1.0)
