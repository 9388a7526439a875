"""What boosts add to scores, and which slots they decided."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.recommendation import ReasonCode
from inference.ranking.diversity import pick
from inference.ranking.weights import WEIGHTS
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query

#: The signal whose weight a boost has: the shop's dial says as much as a user's.
_AS: Final[ReasonCode] = "you_asked"
#: What a boost of 1 adds to a score.
BOOST_WEIGHT: Final = np.float32(WEIGHTS[_AS])


def decided_by(
    query: Query, candidates: Candidates, scores: NDArray[np.float32], caps: tuple[int, int], picked: NDArray[np.int64]
) -> NDArray[np.int32]:
    """By candidate the rule whose boost decided its slot in the lists `picked` int64 [u, l], or -1: int32 [m].

    Without any boost it would be further down in the list, or not in it. `scores` [m] have the boosts.
    """
    decided, marks = np.full(len(candidates.rows), -1, np.int32), candidates.marks
    if marks is not None and marks.boosts.any():
        catalog = query.catalog
        _decide(
            catalog.pictures.halves,
            catalog.hashes,
            catalog.categories,
            catalog.owners,
            candidates.rows,
            candidates.bounds,
            scores - BOOST_WEIGHT * marks.boosts,
            marks.boosts,
            marks.boosted_by,
            *caps,
            picked,
            decided,
        )
    return decided


@compiled
def _decide(
    halves: NDArray[np.uint16],
    hashes: NDArray[np.uint64],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    scores: NDArray[np.float32],
    boosts: NDArray[np.float32],
    boosted_by: NDArray[np.int32],
    category_cap: int,
    owner_cap: int,
    picked: NDArray[np.int64],
    decided: NDArray[np.int32],
) -> None:
    """Write `decided` [m]; `scores` [m] are those without boosts. Lists that no boost raised are not made again."""
    length = picked.shape[1]
    plain, shown = np.empty(length, np.int64), np.empty((length, halves.shape[1]), np.float32)
    for user in range(len(picked)):
        is_raised = False
        for candidate in picked[user]:
            is_raised |= candidate >= 0 and boosts[candidate] > 0
        if not is_raised:
            continue
        own = slice(bounds[user], bounds[user + 1])
        plain[:] = -1
        pick(halves, hashes, rows[own], scores[own], categories, owners, category_cap, owner_cap, plain, shown)
        for slot in range(length):
            candidate = picked[user, slot]
            if candidate >= 0 and boosts[candidate] > 0 and not (plain[: slot + 1] == candidate - bounds[user]).any():
                decided[candidate] = boosted_by[candidate]
