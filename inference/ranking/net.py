"""The arithmetic of a small net over features, for lists and for learning: scores, their gradient, their shares.

With features x [f]: score = hand · x[signals] + linear · x + out · max(0, hidden x + bias), with HIDDEN units.
The weights of the net are one float32 array: linear [f], bias [HIDDEN], out [HIDDEN], hidden [f, HIDDEN].
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from inference.ranking.features import FEATURES, SIGNAL_OF

HIDDEN = 16
_F = len(FEATURES)
_OUT = _F + HIDDEN
_UNITS = _OUT + HIDDEN
SIZE = _UNITS + _F * HIDDEN


def size_of(features: int) -> int:
    """The number of weights of a net over this many features."""
    return features + 2 * HIDDEN + features * HIDDEN


def places_of(features: Sequence[int]) -> NDArray[np.int64]:
    """The places of the weights of a net over some of our features, by their numbers, among those of ours."""
    chosen = np.array(features, np.int64)
    hidden = (_UNITS + chosen[:, None] * HIDDEN + np.arange(HIDDEN)).ravel()
    return np.concatenate([chosen, np.arange(_F, _UNITS), hidden])


def initial_weights() -> NDArray[np.float32]:
    """Weights [SIZE] that add 0 to every score, and whose hidden units differ, so that they can learn (He 2015)."""
    weights = np.zeros(SIZE, np.float32)
    # The stream of RandomState is fixed for all versions of numpy.
    weights[_UNITS:] = np.random.RandomState(0).standard_normal(_F * HIDDEN) * np.sqrt(2 / _F)
    return weights


@compiled
def activate(features: NDArray[np.float32], weights: NDArray[np.float32], units: NDArray[np.float32]) -> None:
    """Write what the hidden units [HIDDEN] say to one candidate's features [f]."""
    units[:] = weights[_F:_OUT]
    for feature in range(_F):
        value = features[feature]
        if value != 0:
            start = _UNITS + feature * HIDDEN
            for unit in range(HIDDEN):
                units[unit] += value * weights[start + unit]
    for unit in range(HIDDEN):
        units[unit] = max(units[unit], np.float32(0))


@compiled
def add_scores(features: NDArray[np.float32], weights: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
    """Add what the net says of the candidates with these features [n, f] to their scores [n]."""
    units = np.empty(HIDDEN, np.float32)
    for candidate in range(len(features)):
        activate(features[candidate], weights, units)
        added = np.float32(0)
        for feature in range(_F):
            added += features[candidate, feature] * weights[feature]
        for unit in range(HIDDEN):
            added += units[unit] * weights[_OUT + unit]
        scores[candidate] += added


@compiled
def add_gradient(
    features: NDArray[np.float32],
    weights: NDArray[np.float32],
    slopes: NDArray[np.float32],
    gradient: NDArray[np.float32],
) -> None:
    """Add to `gradient` [SIZE] that of Σ slopes · scores, for candidates with features [n, f] and slopes [n]."""
    units = np.empty(HIDDEN, np.float32)
    for candidate in range(len(features)):
        slope = slopes[candidate]
        activate(features[candidate], weights, units)
        for unit in range(HIDDEN):
            gradient[_OUT + unit] += slope * units[unit]
            units[unit] = slope * weights[_OUT + unit] if units[unit] > 0 else np.float32(0)
            gradient[_F + unit] += units[unit]
        for feature in range(_F):
            value = features[candidate, feature]
            if value != 0:
                gradient[feature] += slope * value
                start = _UNITS + feature * HIDDEN
                for unit in range(HIDDEN):
                    gradient[start + unit] += value * units[unit]


@compiled
def add_shares(features: NDArray[np.float32], weights: NDArray[np.float32], shares: NDArray[np.float32]) -> None:
    """Add to `shares` [signals, n] what the net's scores owe to the features of each signal: gradient · value.

    The net is linear around each candidate, so these shares, those of features that tell of no signal, and the biases
    of active units sum to the score exactly (gradient × input: Ancona et al. 2018).
    """
    units = np.empty(HIDDEN, np.float32)
    for candidate in range(len(features)):
        activate(features[candidate], weights, units)
        for feature in range(_F):
            if SIGNAL_OF[feature] >= 0:
                slope = weights[feature]
                for unit in range(HIDDEN):
                    if units[unit] > 0:
                        slope += weights[_OUT + unit] * weights[_UNITS + feature * HIDDEN + unit]
                shares[SIGNAL_OF[feature], candidate] += slope * features[candidate, feature]
