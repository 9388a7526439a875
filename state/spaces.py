"""A rebuilt state beside the live one. It is filled while the live one is in use, and replaces it by partition.

The new space of keys lies in the same hash slots. One write switches to it: that of the position, which then names the
space of the values. So no reader sees a mixture, and commits from before the switch are refused (state/redis.py).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from state.keys import Keys
from state.memory import MemoryPartitions
from state.partitions import START, PartitionStore
from state.redis import Client, Observer, RedisPartitions, get_bytes, reporting, scan


class Spaces(Protocol):
    """The live state of some partitions, and the new space that will replace it. Methods raise StateUnavailable."""

    async def noted(self, name: str) -> dict[int, bytes | None]:
        """Read the value under a name in the live state of each partition; None where it is missing or no string."""
        ...

    async def begin(self, name: str, value: bytes) -> PartitionStore:
        """Return the new space. It keeps partitions that hold this value under this name; the others are empty."""
        ...

    async def switch(self, positions: Mapping[int, int]) -> None:
        """Make the new space of these partitions, at these positions, the live one."""
        ...

    async def clear(self) -> int:
        """Remove the values of spaces that are not live; return their number."""
        ...


class RedisSpaces:
    """See Spaces. `keys` are those of the live state. `begin` and `clear` scan all keys of the server or cluster."""

    def __init__(self, client: Client, keys: Keys, partitions: int, *, observe: Observer) -> None:
        self._client = client
        self._keys = keys
        self._partitions = range(partitions)
        self._observe = observe
        self._new = 0

    async def noted(self, name: str) -> dict[int, bytes | None]:
        """See Spaces."""
        found: dict[int, bytes | None] = {}
        for partition in self._partitions:
            within = self._keys.within(await self._live_space(partition))
            async with reporting("spaces", self._observe):
                found[partition] = await get_bytes(self._client, within.value(partition, name))
        return found

    async def begin(self, name: str, value: bytes) -> PartitionStore:
        """See Spaces."""
        live = {partition: await self._live_space(partition) for partition in self._partitions}
        self._new = max(live.values()) + 1
        store = RedisPartitions(self._client, self._keys.within(self._new), observe=self._observe)
        found = await store.load({partition: [name] for partition in self._partitions})
        kept = {(p, self._new) for p, each in found.items() if each.position != START and each.values == [value]}
        await self._remove_all_but(kept | set(live.items()))
        return store

    async def switch(self, positions: Mapping[int, int]) -> None:
        """See Spaces."""
        async with reporting("switch", self._observe):
            for partition, position in positions.items():
                await self._client.set(self._keys.position(partition), f"{position} {self._new}")
                await self._client.unlink(self._keys.within(self._new).position(partition))

    async def clear(self) -> int:
        """See Spaces."""
        return await self._remove_all_but([(p, await self._live_space(p)) for p in self._partitions])

    async def _live_space(self, partition: int) -> int:
        """Return the live space; 0 for a position that cannot be read, since it will be replaced."""
        async with reporting("spaces", self._observe):
            token = await get_bytes(self._client, self._keys.position(partition))
        found = re.fullmatch(rb"-?\d+ (\d+)", token or b"")
        return int(found[1]) if found else 0

    async def _remove_all_but(self, kept: Iterable[tuple[int, int]]) -> int:
        """Remove the values of our partitions outside these (partition, space) pairs, except live positions."""
        spaces, removed = set(kept), 0
        name = re.compile(rf"{re.escape(self._keys.start)}(\d+)\}}:(?:(\d+):)?(.*)".encode(), re.DOTALL)
        async with reporting("clear", self._observe):
            async for keys in scan(self._client, f"{self._keys.start}*"):
                old = []
                for key in keys:
                    found = name.fullmatch(key)
                    if found is None or int(found[1]) not in self._partitions:
                        continue
                    partition, space = int(found[1]), int(found[2] or 0)
                    is_live_position = space == 0 and found[3] == b"position"
                    if not is_live_position and (partition, space) not in spaces:
                        old.append(key)
                if old:
                    removed += int(await self._client.unlink(*old))
        return removed


class MemorySpaces:
    """See Spaces. For tests."""

    def __init__(self, live: MemoryPartitions, partitions: int) -> None:
        self._live = live
        self._partitions = range(partitions)
        self._new = MemoryPartitions()

    async def noted(self, name: str) -> dict[int, bytes | None]:
        """See Spaces."""
        loaded = await self._live.load({partition: [name] for partition in self._partitions})
        return {partition: found.values[0] for partition, found in loaded.items()}

    async def begin(self, name: str, value: bytes) -> PartitionStore:
        """See Spaces."""
        loaded = await self._new.load({partition: [name] for partition in self._partitions})
        for partition, found in loaded.items():
            if found.values != [value]:
                self._new.take_over(partition, MemoryPartitions())
        return self._new

    async def switch(self, positions: Mapping[int, int]) -> None:
        """See Spaces."""
        for partition in positions:
            self._live.take_over(partition, self._new)

    async def clear(self) -> int:
        """See Spaces."""
        self._new = MemoryPartitions()
        return 0
