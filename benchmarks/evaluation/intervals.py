"""How sure a figure is: bootstrap intervals (Efron 1979)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
#: The bounds of an interval are these quantiles of the resamples: 95 %.
_BOUNDS = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def ratios(tops: NDArray[np.float64], bottoms: NDArray[np.float64], seed: int) -> list[Interval]:
    """Σ top / Σ bottom of each of k figures over n units [k, n] that are drawn with replacement, such as users.

    Every resample has the same units for all figures. A resample without any bottom counts as 0.
    """
    rng, count = np.random.default_rng(seed), tops.shape[1]
    found = np.empty((RESAMPLES, len(tops)))
    for resample in found:
        drawn = np.bincount(rng.integers(0, count, count), minlength=count)
        resample[:] = _ratio(tops @ drawn, bottoms @ drawn)
    low, high = np.quantile(found, _BOUNDS, axis=0).round(6).tolist()
    values = _ratio(tops.sum(axis=1), bottoms.sum(axis=1)).round(6).tolist()
    return [Interval(*each) for each in zip(values, low, high, strict=True)]


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(top, bottom, out=np.zeros(len(top)), where=bottom != 0)
