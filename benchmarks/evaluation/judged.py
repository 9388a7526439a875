"""The answers of the product and of the baselines to the same questions, with what is told apart in them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.evaluation.crowd import Crowd
from benchmarks.evaluation.measures import SHOWN, Answers
from benchmarks.evaluation.protocols import Question
from benchmarks.evaluation.replayed_world import Listed

#: The name of the product among the methods.
PRODUCT = "product"
#: A user who did less, and an item that was chosen less often, is cold.
WARM_FROM = 5
#: A user who did nothing for so long comes back.
AWAY_MS = 3_600_000
GROUPS = ("cold_users", "warm_users", "cold_items", "warm_items", "first_of_user", "after_an_hour")


@dataclass(slots=True)
class Judged:
    """All answers by method, the groups of each question, and the product's slots and hits by candidate source."""

    answers: dict[str, Answers]
    groups: dict[str, list[bool]] = field(default_factory=lambda: {name: [] for name in GROUPS})
    slots: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    _asked: set[str] = field(default_factory=set)

    def add(
        self,
        question: Question,
        lists: Mapping[str, Sequence[int]],
        listed: Listed,
        crowd: Crowd,
        away_ms: int | None,
    ) -> None:
        """Add the answers to a question: `lists` by method, and the product's as it made it.

        `away_ms` is the time since the user's last event; None for a user without one.
        """
        targets = {crowd.number[item] for item in question.targets}
        for name, items in lists.items():
            self.answers[name].add(items, targets, crowd.catalogue)
        self.slots.update(listed.sources[:SHOWN])
        shown = zip(listed.items[:SHOWN], listed.sources[:SHOWN], strict=True)
        self.hits.update(source for item, source in shown if crowd.number[item] in targets)
        is_cold = len(crowd.seen.get(question.user, ())) < WARM_FROM
        is_cold_item = all(crowd.catalogue.chosen[item] < WARM_FROM for item in targets)
        is_first = question.user not in self._asked
        self._asked.add(question.user)
        returns = away_ms is not None and away_ms > AWAY_MS
        values = (is_cold, not is_cold, is_cold_item, not is_cold_item, is_first, returns)
        for name, value in zip(GROUPS, values, strict=True):
            self.groups[name].append(value)

    def figures(self, crowd: Crowd) -> dict[str, dict[str, Any]]:
        """The figures of each method, with its groups and its curve."""
        return {
            name: {
                **answers.figures(crowd.catalogue),
                "groups": answers.of(self.groups),
                "curve": answers.curve(),
            }
            for name, answers in self.answers.items()
        }

    def sources(self) -> dict[str, dict[str, int]]:
        """The product's first SHOWN slots, and how many of them were wanted, by candidate source."""
        return {source: {"slots": self.slots[source], "hits": self.hits[source]} for source in sorted(self.slots)}
