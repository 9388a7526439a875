"""What boosts add to scores, and which slots they decided."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.recommendation import ReasonCode
from inference.ranking.weights import WEIGHTS
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query

#: The signal whose weight a boost has: the shop's dial says as much as a user's.
_AS: Final[ReasonCode] = "you_asked"
#: What a boost of 1 adds to a score.
BOOST_WEIGHT: Final = np.float32(WEIGHTS[_AS])
NOTHING_PROMOTED: Final = np.zeros(0, np.int32)


def boosted(candidates: Candidates, scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The scores [m] with what the shop's boosts add to them: a copy."""
    return scores.copy() if candidates.boosts is None else scores + BOOST_WEIGHT * candidates.boosts


def decided_by(
    query: Query, candidates: Candidates, scores: NDArray[np.float32], picked: NDArray[np.int64]
) -> NDArray[np.int32]:
    """By candidate the rule whose boost decided its slot in the lists `picked` int64 [u, l], or -1: int32 [m].

    Without any boost, something that stands behind it, or is left out, would have a higher score. `scores` [m] have the
    boosts. Diversity is not asked again, so that a slot may be named that would be the same. NOTHING_PROMOTED while no
    rule of the shop holds.
    """
    if query.shop is None or candidates.boosts is None:
        return NOTHING_PROMOTED
    boosted_by = query.shop.boosted_by
    return _decided_by(candidates.bounds, candidates.rows, scores, candidates.boosts, boosted_by, picked)


@compiled
def _decided_by(
    bounds: NDArray[np.int64],
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    boosts: NDArray[np.float32],
    boosted_by: NDArray[np.int32],
    picked: NDArray[np.int64],
) -> NDArray[np.int32]:
    """As above; `boosted_by` has rules by row of the catalogue, from 1."""
    decided, is_listed = np.full(len(scores), -1, np.int32), np.zeros(len(scores), np.bool_)
    for user in range(len(picked)):
        for candidate in picked[user]:
            if candidate >= 0:
                is_listed[candidate] = True
        behind = np.float32(-np.inf)
        for candidate in range(bounds[user], bounds[user + 1]):
            if not is_listed[candidate]:
                behind = max(behind, scores[candidate] - BOOST_WEIGHT * boosts[candidate])
        for slot in range(picked.shape[1] - 1, -1, -1):
            candidate = picked[user, slot]
            if candidate >= 0:
                plain = scores[candidate] - BOOST_WEIGHT * boosts[candidate]
                if boosts[candidate] > 0 and plain < behind:
                    decided[candidate] = boosted_by[rows[candidate]] - 1
                behind = max(behind, plain)
    return decided
