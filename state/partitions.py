"""State that lives with the offset that led to it.

All keys of one Kafka partition share one Redis hash slot, the partition's *position* among them: the last offset whose
effect the keys hold. Reading gives values and position together; writing gives both or nothing, and only where the
position still is what the writer had read. So the store always holds the exact effect of a prefix of the log,
whatever crashes and whoever else still believes to own the partition (docs/adr/0002).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

#: The position of a partition of which nothing was applied yet.
START = -1


@dataclass(frozen=True, slots=True)
class Loaded:
    """One partition's position and the values asked for, in the order asked; None where there is none."""

    position: int
    values: list[bytes | None]


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one micro-batch changes in one partition: `writes` are made if the position is still `expected`.

    `expiries` (Unix ms) are of those writes that no later one has to take back: Redis deletes them then, or later.
    """

    partition: int
    expected: int
    position: int
    writes: Mapping[str, bytes]
    expiries: Mapping[str, int] = field(default_factory=dict)


class PartitionStore(Protocol):
    """Values by partition and name. Every method raises StateUnavailable when the store cannot answer now."""

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """The position of each partition; START where nothing was applied yet."""
        ...

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        """Values and position of several partitions in one round trip, each partition's read atomically."""
        ...

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        """Make each commit atomically, in one round trip; the actual position of each partition that refused.

        A commit that was made before (its reply was lost) is not refused.
        """
        ...
