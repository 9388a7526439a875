"""How the arms of an experiment make their lists."""

from functools import cache
from typing import Final

import numpy as np

from features.recommendation import Source
from inference.experiment import Arm
from inference.ranking.ranking import WeightedRanker
from inference.ranking.weights import CODES, SCORE_WEIGHTS
from inference.retrieval.sources.table import SOURCE_NAMES

#: Nothing in a list of the baseline `popular` follows from what the user chose; what the user turned down is left out
#: or lowered, and slots explore, as in every list. Items that nobody chose come last in it,
#: the newest of them first.
_PERSONAL_SOURCES: Final = frozenset(SOURCE_NAMES) - {"popular", "trending", "fresh", "promoted"}
_POPULAR_WEIGHTS: Final = {"popular": 1.0, "new": 0.001}


def left_out(arm: Arm | None) -> frozenset[Source]:
    """The sources that propose nothing to the users of an arm."""
    if arm is None:
        return frozenset()
    return arm.without | _PERSONAL_SOURCES if arm.ranker == "popular" else arm.without


@cache
def own_ranker(arm: Arm) -> WeightedRanker | None:
    """The ranker that an arm has for itself; None for an arm that is ranked as without an experiment."""
    match arm.ranker:
        case "online":
            return None
        case "popular":
            return WeightedRanker("popular", np.array([_POPULAR_WEIGHTS.get(code, 0.0) for code in CODES], np.float32))
        case "weighted" if arm.weights:
            # Another order than that of the hand weights, and so another name.
            weights = SCORE_WEIGHTS.copy()
            for code, weight in arm.weights:
                weights[CODES.index(code)] = weight
            return WeightedRanker(f"weighted-{arm.name}", weights)
        case "weighted":
            return WeightedRanker()
