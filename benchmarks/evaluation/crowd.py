"""What the baselines know: the items that users chose and refused, as numbers."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.log import Event, Log
from benchmarks.evaluation.measures import Catalogue

#: The items of a user that the baselines look at: the last ones chosen.
RECENT = 20


class Crowd:
    """All users' histories so far. Items have numbers in a random order, so that equal scores are ties at random."""

    def __init__(self, log: Log, further: Iterable[Event], seed: int) -> None:
        names = sorted({event.item for event in (*log.events, *further)} | set(log.items))
        order = np.random.default_rng(seed).permutation(len(names)).tolist()
        self.number = dict(zip((names[place] for place in order), range(len(names)), strict=True))
        self.names = list(self.number)
        items = {item: facts.category for item, facts in log.items.items() if facts.category is not None}
        categories = {**log.categories, **items}
        codes = {name: code for code, name in enumerate(sorted(set(categories.values())))}
        of_items = np.array([codes[categories[name]] if name in categories else -1 for name in self.names], np.int64)
        self.catalogue = Catalogue(of_items, np.zeros(len(names)), np.zeros(len(names), bool))
        #: The items that each user chose, the latest last, each once.
        self.histories: dict[str, list[int]] = {}
        #: The items that each user did anything with.
        self.seen: dict[str, set[int]] = {}

    def history(self, user: str) -> Sequence[int]:
        """The items that a user chose so far."""
        return self.histories.get(user, ())

    def learn(self, event: Event) -> None:
        """Add an event."""
        item = self.number[event.item]
        self.catalogue.known[item] = True
        self.seen.setdefault(event.user, set()).add(item)
        if event.is_chosen:
            self.catalogue.chosen[item] += 1
            history = self.histories.setdefault(event.user, [])
            if item in history[-RECENT:]:
                history.remove(item)
            history.append(item)

    def best(self, scores: NDArray[np.float32], user: str, length: int) -> list[int]:
        """The known items with the highest scores [items] that are new to the user, the best first."""
        allowed = self.catalogue.known.copy()
        allowed[list(self.seen.get(user, ()))] = False
        masked = np.where(allowed, scores, -np.inf)
        top = np.sort(np.argpartition(-masked, length)[:length]) if length < len(masked) else np.arange(len(masked))
        ordered = top[np.argsort(-masked[top], kind="stable")]
        return [item for item in ordered.tolist() if allowed[item]]
