"""One step of learning: the loss of a lesson, its gradient, and what Adam makes of it."""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from inference.ranking.model import WEIGHT_LIMIT
from inference.ranking.net import SIZE, add_gradient, add_scores

#: A score counts so many times in the softmax: scores keep the scale of the hand weights, which diversity relies on.
SHARPNESS = 5.0
#: Adam (Kingma & Ba 2015), with weight decay of its own (Loshchilov & Hutter 2019), here towards the start.
RATE = 0.002
_MEAN_DECAY = 0.9
_SQUARE_DECAY = 0.999
_TINY = 1e-8
TOWARDS_START = 1e-5
#: The greatest norm of a gradient: a single lesson moves little.
CLIP = 10.0


@compiled
def hand_scores(features: NDArray[np.float32], hand: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum [n] of the signals, which are the first features [n, f], by the hand weights [signals]."""
    scores = np.zeros(len(features), np.float32)
    for candidate in range(len(features)):
        for code in range(len(hand)):
            scores[candidate] += hand[code] * features[candidate, code]
    return scores


@compiled
def loss_slopes(scores: NDArray[np.float32], chosen: int, weight: float) -> NDArray[np.float32]:
    """The slope [n] of a lesson's loss by its scores [n]: -log p(chosen), or -log(1 - p(chosen)) for a refusal.

    p is the softmax of SHARPNESS · scores. A refusal has a negative weight.
    """
    likely = np.exp((scores - scores.max()) * np.float32(SHARPNESS))
    likely /= likely.sum()
    most = min(likely[chosen], np.float32(0.999))
    strength = weight if weight > 0 else weight * most / (1 - most)
    slopes: NDArray[np.float32] = likely * np.float32(strength * SHARPNESS)
    slopes[chosen] = np.float32(strength * SHARPNESS) * (likely[chosen] - 1)
    return slopes


@compiled
def step(
    features: NDArray[np.float32],
    hand: NDArray[np.float32],
    chosen: int,
    weight: float,
    net: NDArray[np.float32],
    start: NDArray[np.float32],
    moments: NDArray[np.float32],
    count: int,
) -> None:
    """Change `net` [SIZE] and Adam's `moments` [2, SIZE] by a lesson, the `count`-th from 1."""
    scores = hand_scores(features, hand)
    add_scores(features, net, scores)
    gradient = np.zeros(SIZE, np.float32)
    add_gradient(features, net, loss_slopes(scores, chosen, weight), gradient)
    norm = np.sqrt((gradient * gradient).sum())
    scale = np.float32(min(1.0, CLIP / (norm + _TINY)))
    rate = RATE * np.sqrt(1 - _SQUARE_DECAY**count) / (1 - _MEAN_DECAY**count)
    for place in range(SIZE):
        slope = gradient[place] * scale
        moments[0, place] += (1 - _MEAN_DECAY) * (slope - moments[0, place])
        moments[1, place] += (1 - _SQUARE_DECAY) * (slope * slope - moments[1, place])
        moved = net[place] - rate * moments[0, place] / (np.sqrt(moments[1, place]) + _TINY)
        moved -= RATE * TOWARDS_START * (net[place] - start[place])
        net[place] = min(max(moved, -WEIGHT_LIMIT), WEIGHT_LIMIT)


@compiled
def miss(scores: NDArray[np.float32], chosen: int) -> float:
    """1 - 1 / the rank of the chosen among the scores [n], 0 to 1; equals share their ranks.

    A loss that depends on the order alone, as lists do: unlike the cross-entropy it does not favour sharp scores.
    """
    better, equal = (scores > scores[chosen]).sum(), (scores == scores[chosen]).sum()
    return float(1 - 1 / (1 + better + (equal - 1) / 2))
