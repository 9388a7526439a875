"""What likeness takes from scores: to what the user refused, and to what the user saw and passed over."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from inference.ranking.diversity import ALIKE, best
from inference.ranking.weights import LOOKS_LIKE
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query

#: What it costs to look exactly like an item that the user has just refused.
REFUSED_WEIGHT = 1.0
#: What it costs at most to look like items that were passed over, and how many of them take half of it.
PASSED_WEIGHT = 0.4
PASSED_HALF = 3.0


def lower_scores(
    query: Query, candidates: Candidates, signals: NDArray[np.float32], scores: NDArray[np.float32], count: int
) -> NDArray[np.float32] | None:
    """Take from the scores [m] what likeness costs; returns what refused items take, [m], if there are any.

    Likeness to what was passed over is looked at for the `count` best candidates of each user alone.
    """
    tastes, halves = query.tastes, query.catalog.pictures.halves
    rows, bounds, taken = candidates.rows, candidates.bounds, None
    if any(map(len, tastes.refused)):
        taken = _lower_refused(halves, rows, bounds, *_joined(tastes.refused, tastes.refused_strengths), scores)
    if any(map(len, tastes.passed)):
        passed = _joined(tastes.passed, tastes.passed_strengths)
        _lower_passed(halves, rows, bounds, signals[LOOKS_LIKE], *passed, count, scores)
    return taken


@compiled
def pushed_out(
    bounds: NDArray[np.int64],
    scores: NDArray[np.float32],
    taken: NDArray[np.float32],
    picked: NDArray[np.int64],
    explored: NDArray[np.bool_],
    counts: NDArray[np.int64],
) -> None:
    """Count for each list of `picked` [u, l] the candidates that score enough for it without what was `taken` [m].

    That is, more than its weakest slot that was filled by score. A list that is not full has room for all.
    """
    for user in range(len(picked)):
        weakest = np.float32(np.inf)
        for slot in range(picked.shape[1]):
            if picked[user, slot] < 0:
                weakest = np.float32(np.inf)
                break
            if not explored[user, slot]:
                weakest = min(weakest, scores[picked[user, slot]])
        for candidate in range(bounds[user], bounds[user + 1]):
            if taken[candidate] > 0 and scores[candidate] + taken[candidate] > weakest >= scores[candidate]:
                counts[user] += not (picked[user] == candidate).any()


def _joined(
    rows: Sequence[NDArray[np.int64]], strengths: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The rows of all users, their strengths, and where each user's end."""
    return np.concatenate(rows), np.concatenate(strengths), np.cumsum([len(each) for each in rows])


@compiled
def _lower_refused(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    refused: NDArray[np.int64],
    strengths: NDArray[np.float32],
    ends: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Take from the scores what likeness to refused rows costs, and return that; the most similar one counts."""
    taken, vector, start = np.zeros(len(rows), np.float32), np.empty(halves.shape[1], np.float32), 0
    for user in range(len(ends)):
        unwanted = _wide(halves, refused[start : ends[user]])
        for candidate in range(bounds[user], bounds[user + 1] if len(unwanted) else bounds[user]):
            widen(halves[rows[candidate]], vector)
            worst = np.float32(0)
            for place in range(len(unwanted)):
                worst = max(worst, strengths[start + place] * (dot(unwanted[place], vector) - np.float32(ALIKE)))
            taken[candidate] = worst * np.float32(REFUSED_WEIGHT / (1 - ALIKE))
            scores[candidate] -= taken[candidate]
        start = ends[user]
    return taken


@compiled
def _lower_passed(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    looks: NDArray[np.float32],
    passed: NDArray[np.int64],
    strengths: NDArray[np.float32],
    ends: NDArray[np.int64],
    count: int,
    scores: NDArray[np.float32],
) -> None:
    """Take from the best `count` scores of each user what likeness to rows that were passed over costs.

    Scores only fall, so that those which then lead are right. `looks` is how much candidates look like an interest.
    """
    vector, start = np.empty(halves.shape[1], np.float32), 0
    for user in range(len(ends)):
        unmoved, first = _wide(halves, passed[start : ends[user]]), bounds[user]
        own, lowered = scores[first : bounds[user + 1]], np.zeros(bounds[user + 1] - first, np.bool_)
        found = len(unmoved) > 0
        while found:
            found = False
            for candidate in best(own, count):
                if not lowered[candidate]:
                    lowered[candidate] = found = True
                    widen(halves[rows[first + candidate]], vector)
                    # What looks even more like an interest is not what was passed over.
                    least, tired = (
                        min(max(looks[first + candidate], np.float32(ALIKE)), np.float32(0.99)),
                        np.float32(0),
                    )
                    for place in range(len(unmoved)):
                        more = max(dot(unmoved[place], vector) - least, np.float32(0))
                        tired += strengths[start + place] * more / (np.float32(1) - least)
                    own[candidate] -= np.float32(PASSED_WEIGHT) * tired / (tired + np.float32(PASSED_HALF))
        start = ends[user]


@compiled
def _wide(halves: NDArray[np.uint16], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The vectors of rows."""
    vectors = np.empty((len(rows), halves.shape[1]), np.float32)
    for place in range(len(rows)):
        widen(halves[rows[place]], vectors[place])
    return vectors
