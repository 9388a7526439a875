"""Which candidate source earned a click: remembers the lists published last, for as long as they are likely clicked."""

from collections import Counter, OrderedDict
from collections.abc import Sequence

from features.recommendation import RecommendedItem
from streams.metrics import CLICKED, SHOWN

LISTS_LIMIT = 20_000


class Attribution:
    """Counts slots shown and clicked by source. Clicks on lists of another worker or an older run count as unknown."""

    def __init__(self) -> None:
        self._lists: OrderedDict[str, tuple[tuple[str, str], ...]] = OrderedDict()

    def shown(self, rec_id: str, items: Sequence[RecommendedItem]) -> None:
        """A list was published."""
        self._lists[rec_id] = tuple((item.item_id, item.source) for item in items)
        if len(self._lists) > LISTS_LIMIT:
            self._lists.popitem(last=False)
        for source, count in Counter(item.source for item in items).items():
            SHOWN.labels(source).inc(count)

    def clicked(self, rec_id: str, item_id: str) -> None:
        """A user clicked an item of a list."""
        sources = dict(self._lists.get(rec_id, ()))
        CLICKED.labels(sources.get(item_id, "unknown")).inc()
