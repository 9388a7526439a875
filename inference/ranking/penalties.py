"""What likeness takes from scores: to what the user refused, and to what the user saw and passed over."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from inference.ranking.diversity import ALIKE
from inference.ranking.weights import LOOKS_LIKE
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query

#: What it costs to look exactly like an item that the user has just refused.
REFUSED_WEIGHT = 1.0
#: What it costs at most to look like items that were passed over, and how many of them take half of it.
PASSED_WEIGHT = 0.4
PASSED_HALF = 3.0


def lower_scores(
    query: Query, candidates: Candidates, signals: NDArray[np.float32], scores: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Take from the scores [m] what likeness costs; returns what likeness to refused items takes, float32 [m]."""
    tastes = query.tastes
    if not any(map(len, tastes.refused)) and not any(map(len, tastes.passed)):
        return np.zeros(len(scores), np.float32)
    return _lower(
        query.catalog.pictures.halves,
        candidates.rows,
        candidates.bounds,
        signals[LOOKS_LIKE],
        *_joined(tastes.refused, tastes.refused_strengths),
        *_joined(tastes.passed, tastes.passed_strengths),
        scores,
    )


@compiled
def pushed_out(
    bounds: NDArray[np.int64],
    scores: NDArray[np.float32],
    taken: NDArray[np.float32],
    picked: NDArray[np.int64],
    explored: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """For each list of `picked` [u, l], how many candidates would score enough for it without what was `taken` [m].

    That is, more than its weakest slot that was filled by score. A list that is not full has room for all.
    """
    counts = np.zeros(len(picked), np.int64)
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
    return counts


def _joined(
    rows: Sequence[NDArray[np.int64]], strengths: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The rows of all users, their strengths, and where each user's end."""
    return np.concatenate(rows), np.concatenate(strengths), np.cumsum([len(each) for each in rows])


@compiled
def _lower(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    looks: NDArray[np.float32],
    refused: NDArray[np.int64],
    refused_strengths: NDArray[np.float32],
    refused_ends: NDArray[np.int64],
    passed: NDArray[np.int64],
    passed_strengths: NDArray[np.float32],
    passed_ends: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> NDArray[np.float32]:
    """As `lower_scores`; `looks` [m] is how much the candidates look like the user's interests."""
    taken = np.zeros(len(rows), np.float32)
    vector = np.empty(halves.shape[1], np.float32)
    refused_start = passed_start = 0
    for user in range(len(bounds) - 1):
        unwanted = _wide(halves, refused[refused_start : refused_ends[user]])
        strengths = refused_strengths[refused_start : refused_ends[user]]
        unmoved = _wide(halves, passed[passed_start : passed_ends[user]])
        moods = passed_strengths[passed_start : passed_ends[user]]
        refused_start, passed_start = refused_ends[user], passed_ends[user]
        for candidate in range(bounds[user], bounds[user + 1] if len(unwanted) + len(unmoved) else bounds[user]):
            widen(halves[rows[candidate]], vector)
            worst = np.float32(0)
            for place in range(len(unwanted)):
                worst = max(worst, strengths[place] * _likeness(dot(unwanted[place], vector), np.float32(ALIKE)))
            taken[candidate] = worst * np.float32(REFUSED_WEIGHT)
            # What looks even more like an interest is not what was passed over.
            least, tired = max(np.float32(ALIKE), min(looks[candidate], np.float32(0.99))), np.float32(0)
            for place in range(len(unmoved)):
                tired += moods[place] * _likeness(dot(unmoved[place], vector), least)
            scores[candidate] -= taken[candidate] + np.float32(PASSED_WEIGHT) * tired / (
                tired + np.float32(PASSED_HALF)
            )
    return taken


@compiled
def _wide(halves: NDArray[np.uint16], rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """The vectors of rows."""
    vectors = np.empty((len(rows), halves.shape[1]), np.float32)
    for place in range(len(rows)):
        widen(halves[rows[place]], vectors[place])
    return vectors


@compiled
def _likeness(similarity: np.float32, least: np.float32) -> np.float32:
    """0 up to the similarity `least`, and 1 for the same picture."""
    return np.float32(min(max((similarity - least) / (np.float32(1) - least), np.float32(0)), np.float32(1)))
