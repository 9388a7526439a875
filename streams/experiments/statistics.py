"""Intervals of ratios, and whether users were split as they should be.

Users are the units, and not slots: those of one user are not independent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: The normal distribution has 95 % within so many standard errors.
_Z: Final = 1.959964
#: Below so many users with a denominator, a ratio is too far from normal for an interval.
LEAST_USERS: Final = 30
#: Splits at least this odd by chance alone are taken for a fault (Fabijan et al. 2019, "Diagnosing Sample Ratio
#: Mismatch in Online Controlled Experiments").
MISMATCH_P: Final = 0.001


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of sums over users, and the variance of this estimate; None where too few users are counted for it."""

    value: float
    variance: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """95 % interval of a value."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the value differs from 0, but for one interval in twenty."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Split:
    """How far the numbers of users are from the shares: Pearson's `chi_squared`, and the chance `p` of as much."""

    chi_squared: float
    p: float

    @property
    def is_mismatch(self) -> bool:
        """Whether the arms cannot be compared."""
        return self.p < MISMATCH_P


def ratio(numerators: NDArray[np.float64], denominators: NDArray[np.float64]) -> Ratio | None:
    """Σx / Σn of the users' x [n] and n [n], by the delta method; None where Σn is 0.

    Var(R) ≈ Σ(x - R·n)² / (u - 1) · u / (Σn)² for u users (Deng, Knoblich & Lu 2018, "Applying the Delta Method in
    Metric Analytics", with its three terms put together).

    >>> found = ratio(np.array([1.0, 0.0] * 50), np.array([4.0] * 100))
    >>> found.value, round(found.variance, 6)
    (0.125, 0.000158)
    """
    total, users = denominators.sum(), len(denominators)
    if not total:
        return None
    value = numerators.sum() / total
    deviations = float(np.square(numerators - value * denominators).sum())
    # All users alike, as where nobody clicked, says nothing of how they differ.
    is_known = np.count_nonzero(denominators) >= LEAST_USERS and deviations > 0
    return Ratio(float(value), float(deviations / (users - 1) * users / total**2) if is_known else None)


def interval(found: Ratio) -> Interval | None:
    """The 95 % interval of a ratio; None without a variance."""
    if found.variance is None:
        return None
    width = _Z * math.sqrt(found.variance)
    return Interval(found.value - width, found.value + width)


def difference(found: Ratio, other: Ratio) -> Ratio:
    """A ratio less another one of other users."""
    known = None if found.variance is None or other.variance is None else found.variance + other.variance
    return Ratio(found.value - other.value, known)


def split(users: Sequence[int], shares: Sequence[float]) -> Split:
    """Pearson's chi-squared test of the numbers of users against shares that sum to 1.

    >>> found = split([520, 480], [0.5, 0.5])
    >>> round(found.chi_squared, 3), round(found.p, 3)
    (1.6, 0.206)
    """
    total = sum(users)
    if not total:
        return Split(0.0, 1.0)
    found = sum((count - total * share) ** 2 / (total * share) for count, share in zip(users, shares, strict=True))
    return Split(found, chi_squared_tail(found, len(users) - 1))


def chi_squared_tail(value: float, degrees: int) -> float:
    """The chance that a chi-squared variable of so many degrees of freedom is at least `value`.

    Q(k/2, x/2) by its recurrence from Q(1/2, x) = erfc(√x) or Q(1, x) = e⁻ˣ (Abramowitz & Stegun 26.4.4 and 26.4.5).

    >>> round(chi_squared_tail(5.991465, 2), 6), round(chi_squared_tail(7.814728, 3), 6)
    (0.05, 0.05)
    """
    half = value / 2
    order = 1.0 if degrees % 2 == 0 else 0.5
    found = math.exp(-half) if degrees % 2 == 0 else math.erfc(math.sqrt(half))
    while order < degrees / 2:
        found += half**order * math.exp(-half) / math.gamma(order + 1)
        order += 1
    return found
