"""The only reducer of signals to items: facts, neighbours, popularity and trends.

The items agent, the rebuild and the verification all use it, so they compute the same state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.behaviour import UNKNOWN, Behaviour, Engagement, counted, linked
from features.co_choices.choice import Choice, Linking, add_links
from features.co_choices.neighbours import Links
from features.item import Item, apply_change, apply_embedding, apply_upload, apply_words
from features.trends import update_trends
from state.signals import Signals, partition_of
from streams.errors import InvalidEvent
from streams.wire.signals import Changed, Reembedded, Uploaded, Vector, Worded


@dataclass(slots=True)
class ItemEffects:
    """The changes by one partition's signals: `items` by id, `behaviours` by key, the last sequence of each source.

    Links are applied to `behaviours` by `link`, or at last by `after`. `stored_items` and `stored_behaviours` are the
    state before these signals. `place` is the partition and the number of partitions: the partition owns some of the
    items of a choice.
    """

    place: tuple[int, int] = (0, 1)
    sources: dict[int, int] = field(default_factory=dict)
    stored_items: Mapping[str, Item] = field(default_factory=dict)
    stored_behaviours: Mapping[int, Behaviour] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    behaviours: dict[int, Behaviour] = field(default_factory=dict)
    _links: Links = field(default_factory=Links)
    #: The items whose sums changed.
    _counted: dict[int, None] = field(default_factory=dict)

    @classmethod
    def on(cls, stored: Signals, place: tuple[int, int]) -> "ItemEffects":
        """Return empty effects on the stored state of a partition."""
        return cls(place, dict(stored.sources), stored.items, stored.behaviours)

    def change(self, signal: Uploaded | Changed) -> Item:
        """Apply a signal about an item's facts; return the item after it.

        Raises InvalidEvent for an upload that only the item's owner may make, and another user makes.
        """
        item_id = signal.item.item_id if isinstance(signal, Uploaded) else signal.item_id
        current = self.items.get(item_id) or self.stored_items.get(item_id)
        match signal:
            case Uploaded(item=uploaded, as_owner=as_owner):
                if as_owner and current is not None and current.is_closed_to(uploaded.owner):
                    raise InvalidEvent("not_owner", "the item belongs to another user, or to none: choose another id")
                item = apply_upload(current, uploaded)
            case Changed(change=change):
                item = apply_change(current, item_id, change)
        self.items[item_id] = item
        return item

    def add_vector(self, signal: Vector) -> None:
        """Give an item a vector, unless it is gone, or has other words or another picture by now."""
        current = self.items.get(signal.item_id) or self.stored_items.get(signal.item_id)
        match signal:
            case Worded(words=words):
                item = apply_words(current, words)
            case Reembedded():
                item = apply_embedding(current, signal.sha256, signal.encoder, signal.embedding, signal.frames)
        if item is not None and item is not current:
            self.items[signal.item_id] = item

    def choose(self, choice: Choice, linking: Linking) -> bool:
        """Apply a choice to the items that the partition owns; return False if it was applied before."""
        if not self._is_next(choice):
            return False
        if self.owns(choice.item):
            self._count(choice)
        add_links(self._links, choice, linking, self.owns)
        return True

    def engage(self, engagement: Engagement) -> bool:
        """Apply an engagement that the release before published; return False if it was applied before."""
        if not self._is_next(engagement):
            return False
        self._count(engagement)
        for item, weight in engagement.links:
            self._links.add(engagement.item, item, weight, engagement.at_ms)
        return True

    def owns(self, item: int) -> bool:
        """Whether the state of an item belongs to the partition."""
        partition, partitions = self.place
        return partition_of(item, partitions) == partition

    def link(self) -> None:
        """Apply the links of all choices so far: many in one compiled call, which gives what one after another does."""
        if self._links.owners:
            owners = {owner: self._behaviour(owner) for owner in self._links.owners}
            self.behaviours.update(linked(owners, self._links))
            self._links = Links()

    def _is_next(self, effect: Choice | Engagement) -> bool:
        if effect.sequence <= self.sources.get(effect.source, -1):
            return False
        self.sources[effect.source] = effect.sequence
        return True

    def _count(self, effect: Choice | Engagement) -> None:
        self.behaviours[effect.item] = counted(self._behaviour(effect.item), effect)
        self._counted[effect.item] = None

    def _behaviour(self, item: int) -> Behaviour:
        return self.behaviours.get(item) or self.stored_behaviours.get(item, UNKNOWN)

    def after(self, stored: Signals, position: int, now_ms: int, *, min_users: int) -> Signals:
        """Return the partition's state to store after these effects, up to `position`."""
        self.link()
        popular = {item: self.behaviours[item] for item in self._counted if self.behaviours[item].popular > 0}
        trends = update_trends(stored.trends, popular, now_ms, min_users=min_users)
        return Signals(position, self.sources, trends, self.items, self.behaviours)
