"""One shopper, who likes two classes of items, clicks, and after a while likes another one instead of the first."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.evaluation.log import Event
from benchmarks.evaluation.measures import SHOWN
from benchmarks.evaluation.replayed_world import ReplayedWorld
from benchmarks.evaluation.taste.wardrobe import OPENED_MS

#: Clicks before and after the interest is replaced.
BEFORE, AFTER = 10, 20
#: An old interest is gone when it has at most so many of the first SHOWN slots more than without it: there are some
#: slots of its class in any case, since classes look alike here and there.
GONE = 1
_PAUSE_MS = 60_000
_SHOPPER = "shopper"


@dataclass(frozen=True, slots=True)
class Visit:
    """A shopper's tastes (`old` is replaced by `new`), clicks, and whole list after each click, BEFORE + AFTER.

    `unspoilt` are the lists after the clicks since the change of a shopper who made no others, AFTER.
    """

    kept: str
    old: str
    new: str
    clicked: Sequence[str]
    lists: Sequence[Sequence[str]]
    unspoilt: Sequence[Sequence[str]]

    def tastes(self, clicks: int) -> set[str]:
        """What she likes at her list after so many clicks, from 1."""
        return {self.kept, self.old if clicks <= BEFORE else self.new}


def shop(opened: Callable[[], ReplayedWorld], classes: Mapping[str, str], rng: np.random.Generator) -> Visit:
    """Click BEFORE + AFTER times in a new shop. Each click is on one of the two interests at random.

    It is the first item of that class in the last list; where the list has none, any item of the class.
    """
    world = opened()
    old, kept, new = rng.permutation(sorted(set(classes.values())))[:3].tolist()
    clicked: list[str] = []
    lists: list[list[str]] = []
    unspoilt: list[list[str]] = []
    visit = Visit(kept, old, new, clicked, lists, unspoilt)
    for clicks in range(1, BEFORE + AFTER + 1):
        wanted = rng.permutation(sorted(visit.tastes(clicks)))[0]
        item = _chosen(lists[-1] if lists else (), wanted, classes, clicked, rng)
        clicked.append(item)
        lists.append(_click(world, item, clicks))
    other = opened()
    unspoilt.extend(_click(other, item, clicks) for clicks, item in enumerate(clicked[BEFORE:], BEFORE + 1))
    return visit


def precision(shown: Sequence[str], classes: Mapping[str, str], tastes: Collection[str]) -> float:
    """The share of the first SHOWN slots that are of these classes; an empty slot is of none."""
    return _slots(shown, classes, tastes) / SHOWN


def clicks_to_forget(visit: Visit, classes: Mapping[str, str]) -> int:
    """How many clicks after the change the old interest is gone for good; AFTER + 1 if it is there at the end."""
    slots = [_slots(shown, classes, {visit.old}) for shown in visit.lists[BEFORE:]]
    without = [_slots(shown, classes, {visit.old}) for shown in visit.unspoilt]
    there = [click for click, (one, other) in enumerate(zip(slots, without, strict=True), 1) if one - other > GONE]
    return max(there, default=0) + 1


def _slots(shown: Sequence[str], classes: Mapping[str, str], wanted: Collection[str]) -> int:
    return sum(classes[item] in wanted for item in shown[:SHOWN])


def _click(world: ReplayedWorld, item: str, clicks: int) -> list[str]:
    """The list after a click, which is the shopper's `clicks`-th."""
    at_ms = OPENED_MS + clicks * _PAUSE_MS
    world.learn(Event(_SHOPPER, item, "click", at_ms))
    return world.recommend(_SHOPPER, at_ms).items


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
