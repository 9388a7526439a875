"""Counts published, shown and clicked slots by the candidate source that filled them (docs/adr/0014)."""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

from features.recommendation import RecommendedItem, Source
from streams.metrics import CLICKED, EXPLORED, PUBLISHED, SHOWN

#: A worker remembers only this many of the newest lists. One list takes about 2 KiB.
LISTS_LIMIT: Final = 20_000

_COUNTERS: Final = {"view": SHOWN, "click": CLICKED}
_STEPS: Final = {"view": "shown", "click": "clicked"}


class Attribution:
    """Counts slots by source. An event counts only if this worker published its list and still remembers it."""

    def __init__(self) -> None:
        #: The source of each item, by rec_id; the oldest list first.
        self._sources: OrderedDict[str, dict[str, Source]] = OrderedDict()
        #: The items of the slots that explore, by rec_id; only for lists that have any.
        self._explored: dict[str, frozenset[str]] = {}
        #: The (event type, item) pairs already counted, by rec_id; only for lists that have any.
        self._counted: dict[str, set[tuple[str, str]]] = {}

    def published(self, lists: Mapping[str, Sequence[RecommendedItem]]) -> None:
        """Count and remember published lists, keyed by rec_id."""
        counts: Counter[str] = Counter()
        for rec_id, items in lists.items():
            self._sources[rec_id] = sources = {item.item_id: item.source for item in items}
            counts.update(sources.values())
            if explored := frozenset(item.item_id for item in items if item.explore):
                self._explored[rec_id] = explored
                EXPLORED.labels("published").inc(len(explored))
        while len(self._sources) > LISTS_LIMIT:
            oldest, _ = self._sources.popitem(last=False)
            self._counted.pop(oldest, None)
            self._explored.pop(oldest, None)
        for source, count in counts.items():
            PUBLISHED.labels(source).inc(count)

    def feedback(self, kind: str, rec_id: str, item_id: str) -> None:
        """Count a `view` or `click` on an item of a list, each at most once per list and item.

        Other event types, forgotten lists and items outside the list are not counted.
        """
        counter, source = _COUNTERS.get(kind), self._sources.get(rec_id, {}).get(item_id)
        if counter is None or source is None:
            return
        counted = self._counted.setdefault(rec_id, set())
        if (kind, item_id) not in counted:
            counted.add((kind, item_id))
            counter.labels(source).inc()
            if item_id in self._explored.get(rec_id, ()):
                EXPLORED.labels(_STEPS[kind]).inc()
