"""The one rule of what signals do to items: facts, neighbours, popularity and trends.

The items agent, the rebuild and the verification apply signals by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.behaviour import UNKNOWN, Behaviour, Engagement, apply_engagement
from features.item import Item, apply_change, apply_upload
from features.trends import update_trends
from state.signals import Signals
from streams.wire.signals import Changed, Uploaded


@dataclass(slots=True)
class ItemEffects:
    """What signals of one partition change: `items` by id, `behaviours` by key, and the last sequence of each source.

    `stored_items` and `stored_behaviours` are what was there before.
    """

    sources: dict[int, int] = field(default_factory=dict)
    stored_items: Mapping[str, Item] = field(default_factory=dict)
    stored_behaviours: Mapping[int, Behaviour] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    behaviours: dict[int, Behaviour] = field(default_factory=dict)

    @classmethod
    def on(cls, stored: Signals) -> "ItemEffects":
        """No effects yet, on what is stored of a partition."""
        return cls(dict(stored.sources), stored.items, stored.behaviours)

    def change(self, signal: Uploaded | Changed) -> Item:
        """Apply a signal about an item's facts; the item after it."""
        item_id = signal.item.item_id if isinstance(signal, Uploaded) else signal.item_id
        known = self.items.get(item_id) or self.stored_items.get(item_id)
        match signal:
            case Uploaded(item=uploaded):
                item = apply_upload(known, uploaded)
            case Changed(change=change):
                item = apply_change(known, item_id, change)
        self.items[item_id] = item
        return item

    def engage(self, engagement: Engagement) -> bool:
        """Apply what a user did with an item; False for an engagement that was applied before."""
        if engagement.sequence <= self.sources.get(engagement.source, -1):
            return False
        self.sources[engagement.source] = engagement.sequence
        key = engagement.item
        known = self.behaviours.get(key) or self.stored_behaviours.get(key, UNKNOWN)
        self.behaviours[key] = apply_engagement(known, engagement)
        return True

    def after(self, stored: Signals, position: int, now_ms: int, *, min_users: int) -> Signals:
        """What is stored of the partition after these effects, up to `position`."""
        popular = {item: behaviour for item, behaviour in self.behaviours.items() if behaviour.popular > 0}
        trends = update_trends(stored.trends, popular, now_ms, min_users=min_users)
        return Signals(position, self.sources, trends, self.items, self.behaviours)
