"""The half of a rebuild that makes items: facts, neighbours, popularity and trends, in the partitions of state.signals.

Where that topic still has its first record, all of it follows from there. Else facts begin with the compacted
catalogue, and what users did follows from events.interactions alone. What was told of an events.interactions that is no
more is passed over: its sequences would hide those of the new one.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from features.behaviour import Engagement
from features.item import Item, key_of
from features.trends import NO_TRENDS
from state.codec import decode_item
from state.partitions import PartitionStore
from state.signals import Signals, SignalStore, Wanted, partition_of
from streams.errors import CannotRebuild, InvalidEvent
from streams.items.agent import SignalsAgent
from streams.items.reducer import ItemEffects
from streams.kafka.continuity import Log
from streams.kafka.log_reader import LogReader
from streams.processing.breaker import Breaker, RefusalLimit
from streams.processing.positions import Positions
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.signals import Engaged, parse_signal
from streams.wire.topics import CATALOG, SIGNALS

_AT_ONCE = 500
#: Told how many records more are done.
Done = Callable[[int], None]


class ItemsRebuild:
    """Fills the new space of state.signals."""

    def __init__(
        self,
        log: LogReader,
        values: PartitionStore,
        signals: Log,
        *,
        namespace: Namespace,
        min_users: int,
        engaged_from: Mapping[int, int],
    ) -> None:
        """`engaged_from`: by partition, the first signal whose engagements are of events.interactions as it is now."""
        self._log = log
        self._engaged_from = engaged_from
        self._values = values
        self._topic = signals
        self._namespace = namespace
        self._store = SignalStore(values, len(signals.extents))
        self._agent = SignalsAgent(
            self._store,
            _Nobody(),
            Positions(conflict),
            Breaker(SIGNALS.name, RefusalLimit(share=1.0)),
            namespace=namespace,
            min_users=min_users,
        )
        self._min_users = min_users
        #: The last sequence applied from each source, by partition; nobody else moves it.
        self._sources: dict[int, dict[int, int]] = {}

    async def take_catalogue(self) -> int:
        """Begin with the catalogue where state.signals lacks its first record: how many records were taken."""
        positions = await self._values.positions(sorted(self._topic.extents))
        wanted = {p: positions[p] for p, extent in self._topic.extents.items() if 0 < extent.first == positions[p] + 1}
        waiting: dict[int, dict[str, Item]] = {partition: {} for partition in wanted}
        taken = 0
        for record in self._catalogue() if wanted else ():
            item = _item(record)
            partition = partition_of(key_of(item.item_id), len(self._topic.extents))
            if partition in waiting:
                waiting[partition][item.item_id] = item
                taken += 1
                if len(waiting[partition]) == _AT_ONCE:
                    await self._put(partition, wanted[partition], waiting.pop(partition))
                    waiting[partition] = {}
        for partition, items in waiting.items():
            await self._put(partition, wanted[partition], items)
        return taken

    async def replay(self, partition: int, target: int, done: Done) -> int:
        """Apply the signals up to `target`, as the items worker does, and publish nothing: how many there were."""
        position = (await self._values.positions([partition]))[partition]
        count = 0
        records = self._signals(partition, position, target)
        while batch := list(islice(records, _AT_ONCE)):
            await self._agent.handle(batch)
            count += len(batch)
            done(len(batch))
        await self._end(partition, target)
        return count

    async def engage(self, engagements: Sequence[Engagement]) -> None:
        """Apply what users did with items, in the order of each source; what was applied before is passed over."""
        grouped: dict[int, list[Engagement]] = {}
        for engagement in engagements:
            partition = partition_of(engagement.item, len(self._topic.extents))
            if engagement.sequence > self._sources[partition].get(engagement.source, -1):
                grouped.setdefault(partition, []).append(engagement)
        loaded = await self._store.load({p: Wanted([], {each.item for each in new}) for p, new in grouped.items()})
        await self._commit(loaded, {p: self._engaged(loaded[p], new) for p, new in grouped.items()})

    def _engaged(self, stored: Signals, engagements: Sequence[Engagement]) -> Signals:
        effects = ItemEffects.on(stored)
        for each in engagements:
            effects.engage(each)
        return effects.after(stored, stored.position, time.time_ns() // 1_000_000, min_users=self._min_users)

    async def _end(self, partition: int, target: int) -> None:
        """Note that there is nothing more to apply up to `target`, whatever the last offsets are."""
        held = (await self._store.load({partition: Wanted([], [])}))[partition]
        self._sources[partition] = held.sources
        if held.position < target:
            await self._commit({partition: held}, {partition: replace(held, position=target)})

    async def _put(self, partition: int, position: int, items: dict[str, Item]) -> None:
        signals = Signals(position, {}, NO_TRENDS, items, {})
        await self._commit({partition: signals}, {partition: signals})

    async def _commit(self, held: Mapping[int, Signals], after: Mapping[int, Signals]) -> None:
        expected = {partition: held[partition].position for partition in after}
        for partition, position in (await self._store.commit(expected, after)).items():
            await conflict(partition, position)
        self._sources.update({partition: signals.sources for partition, signals in after.items()})

    def _signals(self, partition: int, position: int, target: int) -> Iterator[Record]:
        """The signals to apply, each linked to the one before it."""
        extent = self._topic.extents[partition]
        for record in self._log.read(self._topic.topic, partition, position + 1, target + 1):
            counts = extent.first == 0 and record.offset >= self._engaged_from[partition]
            if counts or not _is_engaged(record):
                yield replace(record, after=position)
                position = record.offset

    def _catalogue(self) -> Iterator[Record]:
        name = self._namespace.topic(CATALOG)
        for partition in self._topic.extents:
            extent = self._log.extent(name, partition)
            yield from self._log.read(name, partition, extent.first, extent.end)


class _Nobody:
    """A Publisher of what was published before."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Do nothing."""


async def conflict(partition: int, position: int) -> None:
    """Refuse to go on: there is one writer."""
    raise CannotRebuild(
        f"somebody else moved partition {partition} of the new state to {position}: is another `sightline rebuild` "
        "running? Wait until it has ended"
    )


def _is_engaged(record: Record) -> bool:
    try:
        return isinstance(parse_signal(record.value), Engaged)
    except InvalidEvent:
        return True


def _item(record: Record) -> Item:
    """The item of a record of the catalogue; a tombstone leaves one that is deleted, as the items worker keeps it."""
    if record.value is not None:
        return decode_item(record.value)
    return Item((record.key or b"").decode(), changed_at_ms=record.timestamp_ms, deleted=True)
