"""State that is stored together with its position in the log.

All keys of one Kafka partition share one Redis hash slot. One of them is the partition's *position*: the last offset
whose effect the other keys hold. A read returns values and position together. A write changes both or neither, and only
if the position still is the one that the writer read. So the store always holds the exact effect of a prefix of the
log, even after a crash and even if another process still acts as owner of the partition (docs/adr/0002).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

#: The position of a partition before its first record is applied.
START = -1


@dataclass(frozen=True, slots=True)
class Loaded:
    """One partition's position and the requested values, in the requested order; None for a missing value."""

    position: int
    values: list[bytes | None]


@dataclass(frozen=True, slots=True)
class Commit:
    """All changes of one micro-batch in one partition: `writes` happen if the position is still `expected`.

    `expiries` (Unix ms, by name) let Redis delete a written value at that time or later.
    """

    partition: int
    expected: int
    position: int
    writes: Mapping[str, bytes]
    expiries: Mapping[str, int] = field(default_factory=dict)


class PartitionStore(Protocol):
    """Values by partition and name. Every method raises StateUnavailable if the store cannot answer now."""

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """Return the position of each partition; START before its first record is applied."""
        ...

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        """Read values and positions of several partitions in one round trip; each partition is read atomically."""
        ...

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        """Apply each commit atomically, in one round trip; return the stored position of each partition that refused.

        A repeated commit, made because the reply was lost, is not refused.
        """
        ...
