"""Whether a ranker's probabilities are right: of the choices that it gives 30 %, three in ten are made."""

import numpy as np
from numpy.typing import NDArray

from streams.learning.steps import SHARPNESS

BINS = 10
#: How fast earlier lessons are forgotten: bins need more of them than a loss does.
_LATEST = 1 / 500


class Calibration:
    """The expected calibration error of a model (Naeini et al. 2015) on the latest lessons held out.

    The probability of the candidate that the model ranks first is compared with how often that one is chosen: in BINS
    of equal width the difference of the two means, weighed by the lessons in each.
    """

    def __init__(self) -> None:
        #: Of each bin how many lessons, the sum of their probabilities, and how many chose the first candidate.
        self._bins = np.zeros((3, BINS))

    def add(self, scores: NDArray[np.float32], chosen: int) -> None:
        """Take in a lesson with these scores [n], of which one was chosen; the softmax is that of learning."""
        probability = 1 / np.exp((scores - scores.max()) * SHARPNESS).sum(dtype=np.float64)
        self._bins *= 1 - _LATEST
        self._bins[:, min(int(probability * BINS), BINS - 1)] += (1, probability, scores.argmax() == chosen)

    def error(self) -> float:
        """The error, 0 to 1; NaN before any lesson."""
        counts, probabilities, chosen = self._bins
        return float(np.abs(probabilities - chosen).sum() / counts.sum()) if counts.any() else float("nan")
