"""The state protocol in a dictionary: the contract of the Redis store, for tests and offline evaluation."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from state.partitions import START, Commit, Loaded


class MemoryPartitions:
    """A PartitionStore that lives with the process. It has no clock, so values never expire."""

    def __init__(self) -> None:
        self._values: defaultdict[int, dict[str, bytes]] = defaultdict(dict)
        self._positions: dict[int, int] = {}

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """See PartitionStore."""
        return {partition: self._positions.get(partition, START) for partition in partitions}

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        """See PartitionStore."""
        return {
            partition: Loaded(
                self._positions.get(partition, START), [self._values[partition].get(name) for name in names]
            )
            for partition, names in wanted.items()
        }

    async def commit(self, commits: Sequence[Commit]) -> dict[int, int]:
        """See PartitionStore."""
        refused = {}
        for commit in commits:
            held = self._positions.get(commit.partition, START)
            if held == commit.expected:
                self._values[commit.partition].update(commit.writes)
                self._positions[commit.partition] = commit.position
            elif held != commit.position:
                refused[commit.partition] = held
        return refused

    def take_over(self, partition: int, other: "MemoryPartitions") -> None:
        """Replace a partition by its copy in another store."""
        self._values[partition] = dict(other._values[partition])
        self._positions[partition] = other._positions.get(partition, START)
