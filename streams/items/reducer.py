"""The only reducer of signals to items: facts, neighbours, popularity and trends.

The items agent, the rebuild and the verification all use it, so they compute the same state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.behaviour import UNKNOWN, Behaviour, Engagement, apply_engagement
from features.choice import Choice, Linking, engagements
from features.item import Item, apply_change, apply_upload
from features.trends import update_trends
from state.signals import Signals, partition_of
from streams.wire.signals import Changed, Uploaded


@dataclass(slots=True)
class ItemEffects:
    """The changes by one partition's signals: `items` by id, `behaviours` by key, the last sequence of each source.

    `stored_items` and `stored_behaviours` are the state before these signals. `place` is the partition and the number
    of partitions: the partition owns some of the items of a choice.
    """

    place: tuple[int, int] = (0, 1)
    sources: dict[int, int] = field(default_factory=dict)
    stored_items: Mapping[str, Item] = field(default_factory=dict)
    stored_behaviours: Mapping[int, Behaviour] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    behaviours: dict[int, Behaviour] = field(default_factory=dict)

    @classmethod
    def on(cls, stored: Signals, place: tuple[int, int]) -> "ItemEffects":
        """Return empty effects on the stored state of a partition."""
        return cls(place, dict(stored.sources), stored.items, stored.behaviours)

    def change(self, signal: Uploaded | Changed) -> Item:
        """Apply a signal about an item's facts; return the item after it."""
        item_id = signal.item.item_id if isinstance(signal, Uploaded) else signal.item_id
        current = self.items.get(item_id) or self.stored_items.get(item_id)
        match signal:
            case Uploaded(item=uploaded):
                item = apply_upload(current, uploaded)
            case Changed(change=change):
                item = apply_change(current, item_id, change)
        self.items[item_id] = item
        return item

    def choose(self, choice: Choice, linking: Linking) -> bool:
        """Apply a choice to the items that the partition owns; return False if it was applied before."""
        if not self._is_next(choice):
            return False
        partition, partitions = self.place
        for engagement in engagements(choice, linking):
            if partition_of(engagement.item, partitions) == partition:
                self._apply(engagement)
        return True

    def engage(self, engagement: Engagement) -> bool:
        """Apply an engagement that the release before published; return False if it was applied before."""
        if not self._is_next(engagement):
            return False
        self._apply(engagement)
        return True

    def _is_next(self, effect: Choice | Engagement) -> bool:
        if effect.sequence <= self.sources.get(effect.source, -1):
            return False
        self.sources[effect.source] = effect.sequence
        return True

    def _apply(self, engagement: Engagement) -> None:
        key = engagement.item
        current = self.behaviours.get(key) or self.stored_behaviours.get(key, UNKNOWN)
        self.behaviours[key] = apply_engagement(current, engagement)

    def after(self, stored: Signals, position: int, now_ms: int, *, min_users: int) -> Signals:
        """Return the partition's state to store after these effects, up to `position`."""
        popular = {item: behaviour for item, behaviour in self.behaviours.items() if behaviour.popular > 0}
        trends = update_trends(stored.trends, popular, now_ms, min_users=min_users)
        return Signals(position, self.sources, trends, self.items, self.behaviours)
