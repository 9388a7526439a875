"""Noise on what is published of users' common behaviour (Dwork et al. 2006, "Calibrating noise to sensitivity")."""

import random

import numpy as np
from numpy.typing import NDArray

from features.profile import WEIGHTS

#: One event moves each of an item's sums by so much at most.
SENSITIVITY = max(WEIGHTS.values())
RENEWED_S = 3600.0


class LaplaceNoise:
    """Laplace noise on `popular` and `trend`: whether one event happened is hidden within `epsilon` for each sum.

    An item keeps its noise for an hour, or asking often would average it away. The randomness is the system's, since
    noise that can be computed hides nothing. A later hour's table is a publication of its own: epsilons add up.
    """

    def __init__(self, epsilon: float, *, source: random.Random | None = None) -> None:
        self._rate = epsilon / SENSITIVITY
        self._source = source or random.SystemRandom()
        self._drawn: dict[int, tuple[float, float]] = {}
        self._until_s = 0.0

    def on(self, trends: NDArray[np.void], now_s: float) -> NDArray[np.void]:
        """The trends (`features.trends.TREND`) with noise, never below 0."""
        if now_s >= self._until_s:
            self._drawn, self._until_s = {}, now_s + RENEWED_S
        noise = np.array([self._of(item) for item in trends["item"].tolist()], np.float32).reshape(-1, 2)
        noisy = trends.copy()
        noisy["popular"] = np.maximum(trends["popular"] + noise[:, 0], 0)
        noisy["trend"] = np.maximum(trends["trend"] + noise[:, 1], 0)
        return noisy

    def _of(self, item: int) -> tuple[float, float]:
        if item not in self._drawn:
            self._drawn[item] = (self._laplace(), self._laplace())
        return self._drawn[item]

    def _laplace(self) -> float:
        """The difference of two exponential numbers is Laplace's."""
        return self._source.expovariate(self._rate) - self._source.expovariate(self._rate)
