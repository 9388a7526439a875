"""What a policy is worth, by the log of another: the click rate that it would have had, with 95 % intervals.

Inverse propensity (Horvitz & Thompson 1952), self-normalised (Swaminathan & Joachims 2015) and doubly robust (Dudík et
al. 2011). All three may be above 1 or below 0 on short logs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.bandit.impressions import Impressions
from benchmarks.evaluation.intervals import Interval, ratios


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a policy says of n impressions: all float64 [n].

    `probabilities` at which it would have shown the item, `rewards` the click rate that it expects of the item, and
    `values` the click rate that it expects of itself there.
    """

    probabilities: NDArray[np.float64]
    rewards: NDArray[np.float64]
    values: NDArray[np.float64]


def estimate(log: Impressions, said: Predictions, seed: int) -> dict[str, Interval]:
    """The click rate of a policy by each estimator, and that of the policy which wrote the log, as `logged`."""
    weights, one = said.probabilities / log.propensities, np.ones(len(log.clicks))
    figures = {
        "ips": (weights * log.clicks, one),
        "snips": (weights * log.clicks, weights),
        "doubly_robust": (said.values + weights * (log.clicks - said.rewards), one),
        "logged": (log.clicks, one),
    }
    tops, bottoms = (np.stack(each) for each in zip(*figures.values(), strict=True))
    return dict(zip(figures, ratios(tops, bottoms, seed), strict=True))


def click_rate(log: Impressions, seed: int) -> Interval:
    """The click rate of the policy that wrote a log."""
    (found,) = ratios(log.clicks[None], np.ones((1, len(log.clicks))), seed)
    return found


def effective_size(log: Impressions, said: Predictions) -> float:
    """How many impressions of the policy itself would say as much as the log does of it (Kish 1965)."""
    weights = said.probabilities / log.propensities
    return float(round(weights.sum() ** 2 / (weights**2).sum(), 1))
