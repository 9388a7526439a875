"""The names of keys in Redis. Each begins with `sightline:<app>:`, so that nobody else's keys are read or removed."""

from dataclasses import dataclass, replace
from typing import Self


def names_of(app: str) -> str:
    """Return what every key of an app begins with; `app` is its topic prefix, which has no colon.

    >>> names_of("shop."), names_of("")
    ('sightline:shop.:', 'sightline::')
    """
    return f"sightline:{app}:"


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names of one kind of partition. The hash tag puts a partition's keys into one slot of a Redis Cluster.

    >>> profiles = Keys("shop.")
    >>> profiles.value(3, "profile:9c56"), profiles.position(3)
    ('sightline:shop.:{3}:profile:9c56', 'sightline:shop.:{3}:position')

    A rebuilt state has a space of its own; the number of the space precedes the names.

    >>> profiles.within(2).value(3, "profile:9c56")
    'sightline:shop.:{3}:2:profile:9c56'
    """

    app: str
    kind: str = ""
    space: int = 0

    @property
    def start(self) -> str:
        """What all these names begin with, up to the partition's number."""
        return f"{names_of(self.app)}{{{self.kind}"

    def within(self, space: int) -> Self:
        """Return the names in another space; space 0 has these names."""
        return replace(self, space=space) if space else self

    def value(self, partition: int, name: str) -> str:
        """Return the key of a value of this partition."""
        space = f"{self.space}:" if self.space else ""
        return f"{self.start}{partition}}}:{space}{name}"

    def position(self, partition: int) -> str:
        """Return the key of this partition's position."""
        return self.value(partition, "position")
