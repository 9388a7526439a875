"""Whether new factors are worse than those that are in use: by what users chose since, which neither learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.item import Item, key_of
from inference.factors.file import Factors
from inference.factors.item_map import Facts
from inference.factors.space import fold_in

#: A user's items that count, the latest, as in lists.
_LATEST: Final = 32


@dataclass(frozen=True, slots=True)
class Question:
    """What a user chose next, `wanted`, after `before`, the latest last."""

    before: Sequence[str]
    wanted: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The mean of 1 / log2(1 + rank) of what was wanted (nDCG of one item) by the factors `in_use` and the `new` ones.

    `error` is the standard error of the mean difference. Without questions nothing is known, and all is 0.
    """

    questions: int
    in_use: float
    new: float
    error: float

    @property
    def is_worse(self) -> bool:
        """Whether the new ones are worse by more than chance: by two standard errors."""
        return self.new - self.in_use < -2 * self.error


#: Of factors of which nothing is asked.
NOT_JUDGED: Final = Verdict(0, 0.0, 0.0, 0.0)


def compare(
    in_use: Factors,
    new: Factors,
    questions: Sequence[Question],
    items: Sequence[str],
    known: Mapping[str, Item],
    looks: int,
) -> Verdict:
    """Rank `items` for each question by both; `known` are whole items, with looks of so many dimensions."""
    if not questions:
        return NOT_JUDGED
    facts = Facts.of_items([*items], known, looks)
    by_one, by_other = (_gains(each, questions, items, facts) for each in (in_use, new))
    error = float((by_other - by_one).std() / np.sqrt(len(questions)))
    return Verdict(len(questions), float(by_one.mean()), float(by_other.mean()), error)


def _gains(factors: Factors, questions: Sequence[Question], items: Sequence[str], facts: Facts) -> NDArray[np.float64]:
    """1 / log2(1 + rank) of each wanted item among those that its user had not; 0 for one without a factor."""
    vectors, has = factors.read(np.array([key_of(item) for item in items], np.uint64), facts)
    places = {item: place for place, item in enumerate(items)}
    gains = np.zeros(len(questions))
    for number, question in enumerate(questions):
        before = [places[item] for item in question.before if item in places]
        latest, wanted = np.array(before[-_LATEST:], np.int64), places.get(question.wanted, -1)
        if wanted < 0 or not has[wanted] or not len(latest):
            continue
        weights = np.ones((1, len(latest)), np.float32)
        user = fold_in(vectors[latest][None], weights, has[latest][None], factors.inverse)[0].sum(axis=0)
        scores = np.where(has, vectors @ user, -np.inf)
        scores[[place for place in before if place != wanted]] = -np.inf
        # Of equal scores half lie above: a user of whom nothing is known gets no hit.
        above = np.count_nonzero(scores > scores[wanted]) + np.count_nonzero(scores == scores[wanted]) / 2
        gains[number] = 1 / np.log2(1.5 + above)
    return gains
