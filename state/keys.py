"""The names of keys in Redis."""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names of one kind of partition. The hash tag puts a partition's keys into one slot of a Redis Cluster.

    >>> profiles = Keys("")
    >>> profiles.value(3, "profile:9c56"), profiles.position(3)
    ('{3}:profile:9c56', '{3}:position')

    A rebuilt state has a space of its own; the number of the space precedes the names.

    >>> profiles.within(2).value(3, "profile:9c56")
    '{3}:2:profile:9c56'
    """

    tag: str
    space: int = 0

    def within(self, space: int) -> Self:
        """Return the names in another space; space 0 has these names."""
        return replace(self, space=space) if space else self

    def value(self, partition: int, name: str) -> str:
        """Return the key of a value of this partition."""
        space = f"{self.space}:" if self.space else ""
        return f"{{{self.tag}{partition}}}:{space}{name}"

    def position(self, partition: int) -> str:
        """Return the key of this partition's position."""
        return self.value(partition, "position")
