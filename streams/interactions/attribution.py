"""Counts published, shown and clicked slots by the candidate source that filled them (docs/adr/0014) and by arm."""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from features.recommendation import RecommendedItem, Source
from inference.experiment import outcome_of
from streams.metrics import CLICKED, EXPERIMENT_DWELL, EXPERIMENT_SLOTS, EXPLORED, PROMOTED, PUBLISHED, SHOWN

#: A worker remembers only this many of the newest lists. One list takes about 2 KiB.
LISTS_LIMIT: Final = 20_000

NO_ARMS: Final[Mapping[str, str]] = {}

_COUNTERS: Final = {"shown": SHOWN, "clicked": CLICKED}


class Attribution:
    """Counts slots by source, and by arm of an experiment.

    An event counts only if this worker published its list and still remembers it.
    """

    def __init__(self) -> None:
        #: The source of each item, by rec_id; the oldest list first.
        self._sources: OrderedDict[str, dict[str, Source]] = OrderedDict()
        #: The items of the slots that explore, by rec_id; only for lists that have any.
        self._explored: dict[str, frozenset[str]] = {}
        #: The items whose slots the shop decided, by rec_id; only for lists that have any.
        self._promoted: dict[str, frozenset[str]] = {}
        #: The (outcome, item) pairs already counted, by rec_id; only for lists that have any.
        self._counted: dict[str, set[tuple[str, str]]] = {}
        #: The arm of each list that an experiment made.
        self._arms: dict[str, str] = {}

    def published(self, lists: Mapping[str, Sequence[RecommendedItem]], arms: Mapping[str, str] = NO_ARMS) -> None:
        """Count and remember published lists, keyed by rec_id, and the arms of those that an experiment made."""
        self._arms.update(arms)
        for rec_id, arm in arms.items():
            EXPERIMENT_SLOTS.labels(arm, "published").inc(len(lists[rec_id]))
        counts: Counter[str] = Counter()
        for rec_id, items in lists.items():
            self._sources[rec_id] = sources = {item.item_id: item.source for item in items}
            counts.update(sources.values())
            if explored := frozenset(item.item_id for item in items if item.explore):
                self._explored[rec_id] = explored
                EXPLORED.labels("published").inc(len(explored))
            if promoted := frozenset(item.item_id for item in items if is_promoted(item)):
                self._promoted[rec_id] = promoted
                PROMOTED.labels("published").inc(len(promoted))
        while len(self._sources) > LISTS_LIMIT:
            oldest, _ = self._sources.popitem(last=False)
            self._counted.pop(oldest, None)
            self._arms.pop(oldest, None)
            self._explored.pop(oldest, None)
            self._promoted.pop(oldest, None)
        for source, count in counts.items():
            PUBLISHED.labels(source).inc(count)

    def slots(self, rec_id: str | None) -> list[str]:
        """The items of a list, in the order of its slots; none of a list that is not remembered."""
        return list(self._sources.get(rec_id or "", ()))

    def was_promoted(self, rec_id: str | None, item_id: str) -> bool:
        """Whether the shop decided the slot of an item; False for a list that is not remembered."""
        return item_id in self._promoted.get(rec_id or "", ())

    def feedback(self, kind: str, rec_id: str, item_id: str, dwell_ms: int | None = None) -> None:
        """Count what an event of type `kind` says of an item of a list, each outcome at most once per list and item.

        Event types without an outcome, forgotten lists and items outside the list are not counted.
        """
        arm, source = self._arms.get(rec_id), self._sources.get(rec_id, {}).get(item_id)
        if source is None:
            return
        if arm is not None and kind == "view" and dwell_ms is not None:
            EXPERIMENT_DWELL.labels(arm).inc(dwell_ms / 1000)
        outcome = outcome_of(kind, dwell_ms)
        if outcome is None:
            return
        counted = self._counted.setdefault(rec_id, set())
        if (outcome, item_id) in counted:
            return
        counted.add((outcome, item_id))
        if outcome in _COUNTERS:
            _COUNTERS[outcome].labels(source).inc()
            if item_id in self._explored.get(rec_id, ()):
                EXPLORED.labels(outcome).inc()
            if self.was_promoted(rec_id, item_id):
                PROMOTED.labels(outcome).inc()
        if arm is not None:
            EXPERIMENT_SLOTS.labels(arm, outcome).inc()


def is_promoted(item: RecommendedItem) -> bool:
    """Whether the shop decided the slot: that is the first of its reasons then."""
    return bool(item.reasons) and item.reasons[0].code == "promoted"
