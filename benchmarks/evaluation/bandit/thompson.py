"""Thompson sampling, as the product explores, learning from a log in order and judged by each batch before it."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.bandit.estimators import Predictions
from benchmarks.evaluation.bandit.impressions import Impressions
from inference.exploration.posterior import Posterior, posterior_of, shares_of_best

#: Impressions between two updates: clicks come late.
BATCH = 100
#: Draws that give the probability at which the policy shows an item.
_DRAWS = 2000


def predict(log: Impressions, seed: int) -> Predictions:
    """What the policy would have shown at each impression, from those in earlier batches alone.

    An arm is an item in a position; its group is the item in any position.
    """
    policy = _Policy(int(log.items.max()) + 1, int(log.positions.max()) + 1, seed)
    count = len(log.clicks)
    found = Predictions(*np.empty((3, count)))
    for start in range(0, count, BATCH):
        batch = slice(start, start + BATCH)
        items, positions = log.items[batch], log.positions[batch]
        shares, means = policy.decide()
        found.probabilities[batch] = shares[items, positions]
        found.rewards[batch] = means[items, positions]
        found.values[batch] = (shares * means).sum(axis=0)[positions]
        policy.learn(items, positions, log.clicks[batch])
    return found


class _Policy:
    """Counts of clicks and impressions [items, positions], and what follows from them."""

    def __init__(self, items: int, positions: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._clicks = np.zeros((items, positions), np.int64)
        self._shown = np.zeros((items, positions), np.int64)

    def learn(self, items: NDArray[np.int64], positions: NDArray[np.int64], clicks: NDArray[np.float64]) -> None:
        """Count impressions [n]."""
        np.add.at(self._shown, (items, positions), 1)
        np.add.at(self._clicks, (items, positions), clicks.astype(np.int64))

    def decide(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The probability of each item in each position, and its expected click rate: float64 [items, positions]."""
        items, positions = self._shown.shape
        groups = np.repeat(np.arange(items), positions)
        known = posterior_of(self._clicks.ravel(), self._shown.ravel(), groups)
        wins, misses = (each.reshape(items, positions).T for each in (known.wins, known.misses))
        slots = [Posterior(*each) for each in zip(wins, misses, strict=True)]
        shares = np.stack([shares_of_best(slot, self._rng, _DRAWS) for slot in slots], axis=1)
        return shares, known.means().reshape(items, positions)
