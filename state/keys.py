"""The names of everything kept in Redis."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names of one kind of partition: the hash tag puts a partition's keys into one slot of a Redis Cluster.

    >>> profiles = Keys("")
    >>> profiles.value(3, "profile:9c56"), profiles.position(3)
    ('{3}:profile:9c56', '{3}:position')
    """

    tag: str

    def value(self, partition: int, name: str) -> str:
        """The key of a value of this partition."""
        return f"{{{self.tag}{partition}}}:{name}"

    def position(self, partition: int) -> str:
        """The key of this partition's position."""
        return self.value(partition, "position")
