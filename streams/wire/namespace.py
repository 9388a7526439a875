"""The names of one app, among other apps on the same services."""

from dataclasses import dataclass

from state.keys import Keys
from streams.wire.topics import Topic


@dataclass(frozen=True, slots=True)
class Namespace:
    """Names topics, consumer groups and Redis keys: all of them bear the app's `prefix`, which may be empty.

    >>> from streams.wire.topics import INTERACTIONS
    >>> shop = Namespace("shop.")
    >>> shop.topic(INTERACTIONS), shop.group("items"), shop.item_keys.position(3)
    ('shop.events.interactions', 'shop.sightline-items', 'sightline:shop.:{s3}:position')
    """

    prefix: str = ""

    def topic(self, topic: Topic) -> str:
        """A topic's name on the broker."""
        return self.named(topic.name)

    def group(self, worker: str) -> str:
        """The consumer group of a kind of worker."""
        return self.named(f"sightline-{worker}")

    def named(self, name: str) -> str:
        """A name of this app's."""
        return self.prefix + name

    def short_name(self, name: str) -> str:
        """A name of this app's without what all of them begin with; any other name as it is."""
        return name.removeprefix(self.prefix)

    def has(self, name: str) -> bool:
        """Whether a name may be this app's."""
        return name.startswith(self.prefix)

    @property
    def profile_keys(self) -> Keys:
        """The Redis keys of users' profiles, by partition of events.interactions."""
        return Keys(self.prefix)

    @property
    def item_keys(self) -> Keys:
        """The Redis keys of items, by partition of state.signals."""
        return Keys(self.prefix, "s")
