"""One shopper, who likes two classes of items, clicks, and after a while likes another one instead of the first."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.evaluation.log import Event
from benchmarks.evaluation.measures import SHOWN
from benchmarks.evaluation.replayed_world import ReplayedWorld
from benchmarks.evaluation.taste.wardrobe import OPENED_MS

#: Clicks before and after the interest is replaced.
BEFORE, AFTER = 10, 20
#: An old interest is gone when it has at most this share of the first SHOWN slots: classes look alike here and there.
GONE = 0.1
_PAUSE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Visit:
    """A shopper's tastes (the first is replaced by `new`) and her whole list after each click, BEFORE + AFTER."""

    kept: str
    old: str
    new: str
    clicked: Sequence[str]
    lists: Sequence[Sequence[str]]

    def tastes(self, clicks: int) -> set[str]:
        """What she likes at her list after so many clicks, from 1."""
        return {self.kept, self.old if clicks <= BEFORE else self.new}


def shop(world: ReplayedWorld, classes: Mapping[str, str], name: str, rng: np.random.Generator) -> Visit:
    """Click BEFORE + AFTER times. Each click is on one of the two interests at random.

    It is the first item of that class in the last list; where the list has none, any item of the class.
    """
    old, kept, new = rng.permutation(sorted(set(classes.values())))[:3].tolist()
    clicked: list[str] = []
    lists: list[list[str]] = []
    visit = Visit(kept, old, new, clicked, lists)
    for clicks in range(1, BEFORE + AFTER + 1):
        wanted = rng.permutation(sorted(visit.tastes(clicks)))[0]
        item = _chosen(lists[-1] if lists else (), wanted, classes, clicked, rng)
        at_ms = OPENED_MS + clicks * _PAUSE_MS
        world.learn(Event(name, item, "click", at_ms))
        clicked.append(item)
        lists.append(world.recommend(name, at_ms).items)
    return visit


def precision(shown: Sequence[str], classes: Mapping[str, str], tastes: Collection[str]) -> float:
    """The share of the first SHOWN slots that are of these classes; an empty slot is of none."""
    return sum(classes[item] in tastes for item in shown[:SHOWN]) / SHOWN


def clicks_to_forget(visit: Visit, classes: Mapping[str, str]) -> int:
    """How many clicks after the change the old interest is gone for good; AFTER + 1 if it is there at the end."""
    shares = [precision(shown, classes, {visit.old}) for shown in visit.lists[BEFORE:]]
    return max((click for click, share in enumerate(shares, 1) if share > GONE), default=0) + 1


def _chosen(
    shown: Sequence[str],
    wanted: str,
    classes: Mapping[str, str],
    clicked: Collection[str],
    rng: np.random.Generator,
) -> str:
    for item in shown:
        if classes[item] == wanted:
            return item
    return str(rng.permutation([item for item, name in classes.items() if name == wanted and item not in clicked])[0])
