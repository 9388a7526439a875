"""Adds noise to published trends for differential privacy (Dwork et al. 2006, "Calibrating noise to sensitivity")."""

import random

import numpy as np
from numpy.typing import NDArray

from features.profile import WEIGHTS

#: One event changes each sum of an item by at most this much.
SENSITIVITY = max(WEIGHTS.values())
#: Each item's noise is drawn again after this time.
RENEWED_S = 3600.0


class LaplaceNoise:
    """Laplace noise on `popular` and `trend`: each sum hides a single event with the privacy budget `epsilon`.

    An item keeps its noise for an hour: otherwise repeated reads could average the noise away. The noise comes from the
    system's randomness, because predictable noise hides nothing. Each hour's table is a separate publication, so the
    epsilons add up.
    """

    def __init__(self, epsilon: float, *, source: random.Random | None = None) -> None:
        self._rate = epsilon / SENSITIVITY
        self._random = source or random.SystemRandom()
        self._noise_by_item: dict[int, tuple[float, float]] = {}
        self._renew_at_s = 0.0

    def on(self, trends: NDArray[np.void], now_s: float) -> NDArray[np.void]:
        """Return the trends (`features.trends.TREND`) with noise, never below 0."""
        if now_s >= self._renew_at_s:
            self._noise_by_item, self._renew_at_s = {}, now_s + RENEWED_S
        noise = np.array([self._noise_of(item) for item in trends["item"].tolist()], np.float32).reshape(-1, 2)
        noisy = trends.copy()
        noisy["popular"] = np.maximum(trends["popular"] + noise[:, 0], 0)
        noisy["trend"] = np.maximum(trends["trend"] + noise[:, 1], 0)
        return noisy

    def _noise_of(self, item: int) -> tuple[float, float]:
        if item not in self._noise_by_item:
            self._noise_by_item[item] = (self._laplace(), self._laplace())
        return self._noise_by_item[item]

    def _laplace(self) -> float:
        """Draw Laplace noise: the difference of two exponential variates has a Laplace distribution."""
        return self._random.expovariate(self._rate) - self._random.expovariate(self._rate)
