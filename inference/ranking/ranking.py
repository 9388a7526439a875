"""From candidates to lists: signals, scores, diversity, reasons.

Each step takes all users of a batch, and loops over candidates are compiled (docs/adr/0011); everything here is a
function of its arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, half_dot, widen
from features.recommendation import Reason, RecommendedItem
from inference.ranking.diversity import ALIKE, diversity, pick
from inference.ranking.ranker import Ranker
from inference.ranking.reasons import find_reasons, rounded
from inference.ranking.signals import find_signals
from inference.ranking.weights import SCORE_WEIGHTS
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query
from inference.retrieval.sources.table import SOURCE_NAMES

#: What it costs to look exactly like an item that the user refused.
REFUSED_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Ranking:
    """A finished list and its diversity: 1 - mean cosine similarity of neighbouring slots (1 for under two slots)."""

    items: list[RecommendedItem]
    diversity: float


@dataclass(frozen=True, slots=True)
class Scored:
    """The `signals` float32 [signals, m] of m candidates and the `scores` [m] that follow from them.

    `features` float32 [m, f] are those that the ranker used; f is 0 for one that uses none.
    """

    signals: NDArray[np.float32]
    features: NDArray[np.float32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Order:
    """How the m candidates of u users were ordered, and which of them fill the lists of l slots.

    Likeness to refused items is taken off the scores of `scored`. `picked` int64 [u, l] are the places of the
    candidates, -1 for no item, and `shown` float32 [u, l, d] their vectors; `explored` int64 [u] the slot that
    explores, or -1; `diversities` [u] as in Ranking.
    """

    scored: Scored
    picked: NDArray[np.int64]
    shown: NDArray[np.float32]
    explored: NDArray[np.int64]
    diversities: NDArray[np.float64]


class Scorer(Ranker, Protocol):
    """A ranker by how well each candidate suits its user; refusals and diversity are not its business."""

    def score(self, query: Query, candidates: Candidates) -> Scored:
        """The signals and scores of all candidates of a batch."""
        ...

    def contributions(self, scored: Scored, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """By signal what it adds to the scores at `places` [n]: float32 [signals, n]."""
        ...


class WeightedRanker:
    """Ranks by a weighted sum of signals, by the hand weights or by others float32 [signals]. See `Scorer`."""

    version = 2

    def __init__(self, name: str = "weighted", weights: NDArray[np.float32] = SCORE_WEIGHTS) -> None:
        self.name = name
        self._weights = weights

    def score(self, query: Query, candidates: Candidates) -> Scored:
        """The sum of the signals by the weights."""
        signals = find_signals(query, candidates)
        return Scored(signals, np.empty((len(candidates.rows), 0), np.float32), weighted_sum(signals, self._weights))

    def contributions(self, scored: Scored, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """By signal what it adds to the scores at `places` [n]: float32 [signals, n]; they sum to the scores."""
        shares: NDArray[np.float32] = scored.signals.take(places, axis=1) * self._weights[:, None]
        return shares


def rank(scorer: Scorer, query: Query, candidates: Candidates, *, length: int) -> list[Ranking]:
    """For each user the best `length` candidates, diverse, with reasons; empty where there are no candidates."""
    if not len(candidates.rows):
        return [Ranking([], 1.0)] * len(query.profiles)
    made = order(scorer, query, candidates, length=length)
    contributions = scorer.contributions(made.scored, made.picked[made.picked >= 0])
    reasons = find_reasons(made.picked, made.shown, made.scored.signals, contributions, query, candidates)
    items = _items(made.picked, made.explored, made.scored.scores, reasons, query, candidates)
    return [Ranking(*each) for each in zip(items, made.diversities.tolist(), strict=True)]


def order(scorer: Scorer, query: Query, candidates: Candidates, *, length: int) -> Order:
    """Fill the lists by what a scorer says of the candidates, less what looks like the user's refusals."""
    catalog, tastes = query.catalog, query.tastes
    scored = scorer.score(query, candidates)
    picked = np.full((len(query.profiles), length), -1, np.int64)
    shown = np.zeros((*picked.shape, catalog.pictures.dimensions), np.float32)
    explored, diversities = _fill_lists(
        catalog.pictures.halves,
        candidates.rows,
        candidates.bounds,
        np.concatenate(tastes.refused),
        np.array([len(rows) for rows in tastes.refused]),
        scored.signals,
        scored.scores,
        picked,
        shown,
    )
    return Order(scored, picked, shown, explored, diversities)


@compiled
def weighted_sum(signals: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sum [m] of `signals` [signals, m] by `weights` [signals]."""
    scores = np.zeros(signals.shape[1], np.float32)
    for code in range(len(weights)):
        for candidate in range(len(scores)):
            scores[candidate] += weights[code] * signals[code, candidate]
    return scores


@compiled
def _fill_lists(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    refused: NDArray[np.int64],
    refused_counts: NDArray[np.int64],
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Lower the scores [m], and fill the lists: `picked` [u, l], -1 pads, and their vectors `shown` [u, l, d].

    `halves` are the catalogue's vectors; `refused` the rows that the users refused, one user's after another's, with
    the number of each. Returns the slot of each list that explores [u], or -1, and the diversity of each list [u].
    """
    explored, diversities = np.empty(len(picked), np.int64), np.empty(len(picked))
    end = 0
    for user in range(len(picked)):
        own = slice(bounds[user], bounds[user + 1])
        start, end = end, end + refused_counts[user]
        _lower(halves, rows[own], refused[start:end], scores[own])
        explored[user] = pick(halves, rows[own], signals[:, own], scores[own], picked[user], shown[user])
        diversities[user] = diversity(picked[user], shown[user])
        for slot in range(picked.shape[1]):
            picked[user, slot] += bounds[user] if picked[user, slot] >= 0 else 0
    return explored, diversities


@compiled
def _lower(
    halves: NDArray[np.uint16], rows: NDArray[np.int64], refused: NDArray[np.int64], scores: NDArray[np.float32]
) -> None:
    """Take from one user's scores [n] what the likeness of `rows` [n] to `refused` rows [r] costs.

    Likeness costs from ALIKE upwards; of several refused rows the most similar counts.
    """
    unwanted = np.empty((len(refused), halves.shape[1]), np.float32)
    for place in range(len(refused)):
        widen(halves[refused[place]], unwanted[place])
    for candidate in range(len(rows) if len(refused) else 0):
        nearest = np.float32(ALIKE)
        for place in range(len(unwanted)):
            nearest = max(nearest, half_dot(halves[rows[candidate]], unwanted[place]))
        scores[candidate] -= (nearest - np.float32(ALIKE)) * np.float32(REFUSED_WEIGHT / (1 - ALIKE))


def _items(
    picked: NDArray[np.int64],
    explored: NDArray[np.int64],
    scores: NDArray[np.float32],
    reasons: Sequence[list[Reason]],
    query: Query,
    candidates: Candidates,
) -> list[list[RecommendedItem]]:
    users, slots = np.nonzero(picked >= 0)
    chosen = picked[users, slots]
    facts = zip(
        users.tolist(),
        candidates.rows.take(chosen).tolist(),
        rounded(scores.take(chosen)),
        candidates.sources.take(chosen).tolist(),
        (explored.take(users) == slots).tolist(),
        reasons,
        strict=True,
    )
    items: list[list[RecommendedItem]] = [[] for _ in picked]
    for user, row, score, source, explore, why in facts:
        item_id = query.catalog.item_ids[row]
        items[user].append(
            RecommendedItem(item_id=item_id, score=score, source=SOURCE_NAMES[source], explore=explore, reasons=why)
        )
    return items
