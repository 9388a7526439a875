"""A list with the steps that led to it, as the recommender takes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.recommendation import RecommendedItem, Source
from inference.explain.answers import rows_by_source
from inference.explain.explanation import Score, SignalPart, Slot
from inference.ranking.ranking import Order, Scorer, order, rankings
from inference.ranking.reasons import rounded
from inference.ranking.rules import ListRules
from inference.ranking.weights import CODES
from inference.retrieval.candidates import Candidates, generate_candidates, propose
from inference.retrieval.query import Query
from inference.shop_rules.boosting import BOOST_WEIGHT


@dataclass(frozen=True, slots=True)
class Made:
    """The list of the one user of a query: its `items`, and the steps before them.

    `proposed` has the rows of each source, before the filters; `contributions` [signals, m] are the ranker's;
    `filtered` is what the list says of the items that it lacks.
    """

    query: Query
    candidates: Candidates
    order: Order
    items: Sequence[RecommendedItem]
    proposed: dict[Source, NDArray[np.int64]]
    contributions: NDArray[np.float32]
    rules: ListRules
    filtered: dict[str, int]

    def place_of(self, row: int) -> int | None:
        """The place of a row among the candidates; None for another row."""
        places: list[int] = np.flatnonzero(self.candidates.rows == row).tolist()
        return places[0] if places else None

    def slot_of(self, place: int | None) -> int | None:
        """The slot of a candidate, from 0; None without one."""
        slots: list[int] = self.order.picked[0].tolist()
        return slots.index(place) if place is not None and place in slots else None

    def score(self, place: int) -> Score:
        """The parts of a candidate's score."""
        scored, adds = self.order.scored, self.contributions[:, place]
        total, values, whole = self.order.scores[place], scored.signals[:, place], scored.scores[place]
        parts = [
            SignalPart(CODES[code], rounded(values[code]), rounded(adds[code]), _share(adds[code], whole))
            for code in np.argsort(-np.abs(adds), kind="stable").tolist()
        ]
        boosts = self._boost(place)
        present = [part for part in (*parts, *boosts) if part.value or part.adds]
        known = adds.sum() + np.float32(sum(part.adds for part in boosts))
        return Score(rounded(total), present, rounded(total - known))

    def _boost(self, place: int) -> list[SignalPart]:
        """What a rule of the shop adds to the score of a candidate."""
        shop, boosts, row = self.query.shop, self.candidates.boosts, self.candidates.rows[place]
        if shop is None or boosts is None or not boosts[place]:
            return []
        name, value = shop.file.rules[shop.boosted_by[row] - 1].name, boosts[place]
        return [SignalPart("promoted", rounded(value), rounded(BOOST_WEIGHT * value), None, name)]

    def slot(self, number: int) -> Slot:
        """A slot, from 0."""
        place = int(self.order.picked[0, number])
        proposed_by = [source for source, rows in self.proposed.items() if self.candidates.rows[place] in rows]
        return Slot(number + 1, self.items[number], proposed_by, self.score(place))


def make(query: Query, ranker: Scorer, length: int, rules: ListRules) -> Made:
    """The list of the one user of a query, by the same steps as every list."""
    candidates = generate_candidates(query)
    ordered = order(ranker, query, candidates, length=length, rules=rules)
    (ranking,) = rankings(ranker, ordered, query, candidates)
    contributions = ranker.contributions(ordered.scored, np.arange(len(candidates.rows)))
    filtered = candidates.filtered[0] | ranking.pushed_out()
    proposed = rows_by_source(propose(query))
    return Made(query, candidates, ordered, ranking.items, proposed, contributions, rules, filtered)


def _share(part: np.float32, whole: np.float32) -> float | None:
    share: float | None = rounded(part / whole) if whole > 0 else None
    return share
