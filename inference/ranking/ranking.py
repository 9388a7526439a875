"""From candidates to lists: signals, scores, diversity, reasons.

Each step takes all users of a batch, and loops over candidates are compiled (docs/adr/0011); everything here is a
function of its arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.recommendation import Reason, RecommendedItem
from inference.ranking.diversity import SHORTLIST, diversities, pick
from inference.ranking.exploring import explore
from inference.ranking.penalties import lower_scores, pushed_out
from inference.ranking.ranker import Ranker
from inference.ranking.reasons import find_reasons, rounded
from inference.ranking.rules import ListRules
from inference.ranking.signals import find_signals
from inference.ranking.weights import SCORE_WEIGHTS
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query
from inference.retrieval.sources.table import PROMOTED, SOURCE_NAMES
from inference.shop_rules.boosting import boosted, decided_by
from inference.shop_rules.disclosing import disclose
from inference.shop_rules.placing import place_promotions

#: The name on the wire, in `filtered`, of candidates that likeness to refused items pushed out of a list.
LIKE_REFUSED = "like_refused"
#: The rules where nobody sets others.
RULES = ListRules()


@dataclass(frozen=True, slots=True)
class Ranking:
    """A finished list and its diversity: 1 - mean cosine similarity of neighbouring slots (1 for under two slots).

    `like_refused` candidates would score enough for it, did they not look like what the user refused.
    """

    items: list[RecommendedItem]
    diversity: float
    like_refused: int = 0

    def pushed_out(self) -> dict[str, int]:
        """What a list says of candidates that likeness to refused items pushed out, if there are any."""
        return {LIKE_REFUSED: self.like_refused} if self.like_refused else {}


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

    `scores` float32 [m] are those of `scored` with boosts of the shop, less what likeness to items that were refused or
    passed over takes. `picked` int64 [u, l] are the places of the candidates, -1 for no item, and `shown` float32
    [u, l, d] their vectors; `explored` bool [u, l] the slots that explore, `placed` those of promotions; `promoted`
    int32 [m] has the rule of the shop that decided the slot of a candidate, or -1 (empty without rules); `diversities`
    [u] and `like_refused` [u] as in Ranking.
    """

    scored: Scored
    scores: NDArray[np.float32]
    picked: NDArray[np.int64]
    shown: NDArray[np.float32]
    explored: NDArray[np.bool_]
    placed: NDArray[np.bool_]
    promoted: NDArray[np.int32]
    diversities: NDArray[np.float64]
    like_refused: NDArray[np.int64]


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


def rank(
    scorer: Scorer, query: Query, candidates: Candidates, *, length: int, rules: ListRules = RULES
) -> list[Ranking]:
    """For each user the best `length` candidates, diverse, with reasons; empty where there are no candidates."""
    if not len(candidates.rows):
        return [Ranking([], 1.0)] * len(query.profiles)
    return rankings(scorer, order(scorer, query, candidates, length=length, rules=rules), query, candidates)


def rankings(scorer: Scorer, made: Order, query: Query, candidates: Candidates) -> list[Ranking]:
    """The lists of an order by this scorer, with reasons."""
    contributions = scorer.contributions(made.scored, made.picked[made.picked >= 0])
    reasons = find_reasons(made.picked, made.shown, made.scored.signals, contributions, query, candidates)
    disclose(reasons, query, made.promoted, made.picked)
    items = _items(made, reasons, query, candidates)
    return [Ranking(*each) for each in zip(items, made.diversities.tolist(), made.like_refused.tolist(), strict=True)]


def order(scorer: Scorer, query: Query, candidates: Candidates, *, length: int, rules: ListRules = RULES) -> Order:
    """Fill the lists by what a scorer says of the candidates, less what looks like items that were turned down.

    Then come the slots that explore, then those of the shop's promotions.
    """
    catalog = query.catalog
    scored = scorer.score(query, candidates)
    scores = boosted(candidates, scored.scores)
    taken = lower_scores(query, candidates, scored.signals, scores, SHORTLIST * length)
    picked = np.full((len(query.profiles), length), -1, np.int64)
    shown = np.zeros((*picked.shape, catalog.pictures.dimensions), np.float32)
    earned = scores if query.shop is None else np.where(candidates.only_promoted, np.float32(-np.inf), scores)
    _fill_lists(
        catalog.pictures.halves,
        catalog.hashes,
        catalog.categories,
        catalog.owners,
        candidates.rows,
        candidates.bounds,
        earned,
        *rules.caps(length),
        picked,
        shown,
    )
    promoted = decided_by(query, candidates, earned, picked)
    explored = explore(query, candidates, rules, scored.signals, earned, picked, shown)
    placed = place_promotions(query, candidates, rules, scores, picked, shown, explored, promoted)
    like_refused = np.zeros(len(picked), np.int64)
    if taken is not None:
        pushed_out(candidates.bounds, scores, taken, picked, explored | placed, like_refused)
    return Order(scored, scores, picked, shown, explored, placed, promoted, diversities(picked, shown), like_refused)


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
    hashes: NDArray[np.uint64],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    scores: NDArray[np.float32],
    category_cap: int,
    owner_cap: int,
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> None:
    """Fill the lists `picked` [u, l], -1 pads, and their vectors `shown` [u, l, d]; see `pick`."""
    for user in range(len(picked)):
        own = slice(bounds[user], bounds[user + 1])
        pick(
            halves,
            hashes,
            rows[own],
            scores[own],
            categories,
            owners,
            category_cap,
            owner_cap,
            picked[user],
            shown[user],
        )
        for slot in range(picked.shape[1]):
            picked[user, slot] += bounds[user] if picked[user, slot] >= 0 else 0


def _items(
    made: Order, reasons: Sequence[list[Reason]], query: Query, candidates: Candidates
) -> list[list[RecommendedItem]]:
    users, slots = np.nonzero(made.picked >= 0)
    chosen = made.picked[users, slots]
    facts = zip(
        users.tolist(),
        candidates.rows.take(chosen).tolist(),
        rounded(made.scores.take(chosen)),
        np.where(made.placed[users, slots], PROMOTED, candidates.sources.take(chosen)).tolist(),
        made.explored[users, slots].tolist(),
        reasons,
        strict=True,
    )
    items: list[list[RecommendedItem]] = [[] for _ in made.picked]
    for user, row, score, source, is_explored, why in facts:
        item_id = query.catalog.item_ids[row]
        items[user].append(
            RecommendedItem(item_id=item_id, score=score, source=SOURCE_NAMES[source], explore=is_explored, reasons=why)
        )
    return items
