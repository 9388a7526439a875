"""Which candidate source earned a click: remembers the lists published last, for as long as they are likely clicked."""

from collections import Counter, OrderedDict
from collections.abc import Mapping, Sequence

from features.recommendation import RecommendedItem, Source
from streams.metrics import CLICKED, SHOWN

LISTS_LIMIT = 20_000


class Attribution:
    """Counts slots shown and clicked by source. Clicks on lists of another worker or an older run count as unknown."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, dict[str, Source]] = OrderedDict()

    def shown(self, lists: Mapping[str, Sequence[RecommendedItem]]) -> None:
        """Lists were published, by rec_id."""
        counts: Counter[str] = Counter()
        for rec_id, items in lists.items():
            self._lists[rec_id] = sources = {item.item_id: item.source for item in items}
            counts.update(sources.values())
        while len(self._lists) > LISTS_LIMIT:
            self._lists.popitem(last=False)
        for source, count in counts.items():
            SHOWN.labels(source).inc(count)

    def clicked(self, rec_id: str, item_id: str) -> None:
        """A user clicked an item of a list."""
        CLICKED.labels(self._lists.get(rec_id, {}).get(item_id, "unknown")).inc()
