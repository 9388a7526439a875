"""Items in the partitions of state.signals: facts, behaviours (what users do with them) and trends."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour
from features.item import Item, key_of
from features.trends import NO_TRENDS
from state.codec import (
    decode_behaviour,
    decode_item,
    decode_sources,
    decode_trends,
    encode_behaviour,
    encode_item,
    encode_sources,
    encode_trends,
)
from state.partitions import Commit, PartitionStore

K = TypeVar("K")
V = TypeVar("V")
_SOURCES = "sources"
_TRENDS = "trends"


def partition_of(item: int, partitions: int) -> int:
    """Return the partition of state.signals that holds everything about an item key."""
    return item % partitions


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a micro-batch of one partition reads: facts by item id, behaviours by item key."""

    items: Collection[str]
    behaviours: Collection[int]


@dataclass(frozen=True, slots=True)
class Signals:
    """One partition's state. `sources` has the last sequence applied from each source partition."""

    position: int
    sources: dict[int, int]
    trends: NDArray[np.void]
    items: dict[str, Item]
    behaviours: dict[int, Behaviour]


class SignalStore:
    """Items on any PartitionStore. Methods raise the errors of the store, and StateCorrupt."""

    def __init__(self, store: PartitionStore, partitions: int) -> None:
        self._store = store
        self.partitions = partitions

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """Return the last offset applied in each partition; START before the first."""
        return await self._store.positions(partitions)

    async def load(self, wanted: Mapping[int, Wanted]) -> dict[int, Signals]:
        """Read the state of several partitions in one round trip, without items and behaviours that do not exist."""
        loaded = await self._store.load({p: [_SOURCES, _TRENDS, *_names(each)] for p, each in wanted.items()})
        answer = {}
        for partition, found in loaded.items():
            sources, trends, *values = found.values
            items, behaviours = wanted[partition].items, wanted[partition].behaviours
            facts, rest = values[: len(items)], values[len(items) :]
            answer[partition] = Signals(
                found.position,
                decode_sources(sources) if sources else {},
                decode_trends(trends) if trends else NO_TRENDS,
                {name: decode_item(value) for name, value in zip(items, facts, strict=True) if value},
                {key: decode_behaviour(value) for key, value in zip(behaviours, rest, strict=True) if value},
            )
        return answer

    async def commit(self, expected: Mapping[int, int], changed: Mapping[int, Signals]) -> dict[int, int]:
        """Write changes and positions in one round trip; return the stored position of each partition that refused."""
        return await self._store.commit(
            [
                Commit(partition, expected[partition], signals.position, _writes(signals))
                for partition, signals in changed.items()
            ]
        )

    async def items(self, item_ids: Collection[str]) -> dict[str, Item]:
        """Read the facts of items by id from all their partitions in one round trip; unknown ones are left out."""
        return await self._load_each(item_ids, key_of, _item, decode_item)

    async def behaviours(self, items: Collection[int]) -> dict[int, Behaviour]:
        """Read the behaviours of items from all their partitions in one round trip."""
        return await self._load_each(items, int, _behaviour, decode_behaviour)

    async def trends(self) -> NDArray[np.void]:
        """Read the trends of all partitions as one table in one round trip."""
        loaded = await self._store.load({partition: [_TRENDS] for partition in range(self.partitions)})
        tables = [decode_trends(found.values[0]) for found in loaded.values() if found.values[0]]
        return np.concatenate([NO_TRENDS, *tables])

    async def _load_each(
        self, each: Collection[K], key: Callable[[K], int], name: Callable[[K], str], decode: Callable[[bytes], V]
    ) -> dict[K, V]:
        """What is stored of each one, by its `key` in a partition and by its `name` there."""
        wanted: dict[int, list[K]] = {}
        for one in each:
            wanted.setdefault(partition_of(key(one), self.partitions), []).append(one)
        loaded = await self._store.load({partition: [*map(name, ones)] for partition, ones in wanted.items()})
        return {
            one: decode(value)
            for partition, found in loaded.items()
            for one, value in zip(wanted[partition], found.values, strict=True)
            if value
        }


def _names(wanted: Wanted) -> list[str]:
    return [*map(_item, wanted.items), *map(_behaviour, wanted.behaviours)]


def _writes(signals: Signals) -> dict[str, bytes]:
    return {
        _SOURCES: encode_sources(signals.sources),
        _TRENDS: encode_trends(signals.trends),
        **{_item(name): encode_item(item) for name, item in signals.items.items()},
        **{_behaviour(key): encode_behaviour(behaviour) for key, behaviour in signals.behaviours.items()},
    }


def _item(item_id: str) -> str:
    return f"item:{item_id}"


def _behaviour(item: int) -> str:
    return f"behaviour:{item:016x}"
