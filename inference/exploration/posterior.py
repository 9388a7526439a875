"""What few trials say of rates: a Beta posterior for each arm, whose prior is the rate of its group.

An arm is what may be shown: an item, or an item in a slot. Its group is what is like it: a cluster of looks, a
category, or the item itself in any slot. Thompson sampling (Thompson 1933; Chapelle & Li 2011) draws a rate from each
posterior and shows the arm with the greatest: what is not known well is tried, and soon what is good is shown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: The rate that is expected before anything was shown, about that of clicks on a shop's lists.
EXPECTED_RATE = 0.01


@dataclass(frozen=True, slots=True)
class Posterior:
    """The Beta distributions of the rates of n arms: Beta(wins, misses), both float64 [n] and above 0."""

    wins: NDArray[np.float64]
    misses: NDArray[np.float64]

    def means(self) -> NDArray[np.float64]:
        """The expected rate of each arm [n]."""
        return self.wins / (self.wins + self.misses)

    def draw(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """`count` draws of all rates: float64 [count, n]."""
        return rng.beta(self.wins, self.misses, (count, len(self.wins)))


def posterior_of(chosen: NDArray[np.int64], shown: NDArray[np.int64], groups: NDArray[np.int64]) -> Posterior:
    """The posterior of arms that were shown and chosen so often [n], chosen ≤ shown; `groups` [n] from 0.

    A prior is worth one choice: that of an arm at the rate of its group, that of a group at the rate of all arms, and
    that of all at EXPECTED_RATE. So an arm that was never shown counts as its group does.

    >>> found = posterior_of(np.array([30, 0, 0]), np.array([100, 0, 100]), np.array([0, 0, 1]))
    >>> [round(rate, 3) for rate in found.means().tolist()]
    [0.299, 0.284, 0.008]
    """
    rate = (chosen.sum() + 1.0) / (shown.sum() + 1 / EXPECTED_RATE)
    rates = ((np.bincount(groups, chosen) + 1.0) / (np.bincount(groups, shown) + 1 / rate))[groups]
    return Posterior((chosen + 1.0).astype(np.float64), (shown - chosen + 1 / rates - 1).astype(np.float64))


def shares_of_best(posterior: Posterior, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """How often each arm has the greatest of `count` draws: the policy of Thompson sampling, float64 [n], sum 1."""
    best = posterior.draw(rng, count).argmax(axis=1)
    return np.bincount(best, minlength=len(posterior.wins)) / count
