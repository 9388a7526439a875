"""The rebuild of items: facts, neighbours, popularity and trends, in the partitions of state.signals.

If a partition of state.signals still has its first record, all of its state follows from that partition. Otherwise the
facts begin with the compacted catalogue, and the choices come from events.interactions alone. So they do if a record
links items as an earlier release did, or with other settings. Choices of an earlier events.interactions that was
deleted are skipped: their sequences would hide those of the new topic.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from features.co_choices.choice import Choice, Linking
from features.item import Item, key_of
from features.trends import NO_TRENDS
from state.partitions import PartitionStore
from state.signals import Signals, SignalStore, Wanted, partition_of
from streams.errors import CannotRebuild, InvalidEvent
from streams.items.agent import SignalsAgent
from streams.items.reducer import ItemEffects
from streams.kafka.continuity import Log
from streams.kafka.log_reader import LogReader
from streams.kafka.publisher import NullPublisher
from streams.processing.breaker import Breaker, RefusalLimit
from streams.processing.positions import Positions
from streams.replay.catalogue import catalogue_item
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from streams.wire.signals import Chosen, Engaged, parse_signal
from streams.wire.topics import CATALOG, SIGNALS

_BATCH_SIZE = 500
#: Called with the number of records done since the last call.
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
        linking: Linking,
        engaged_from: Mapping[int, int],
    ) -> None:
        """`engaged_from`: by partition, the first offset with choices from the present events.interactions."""
        self._log = log
        self._engaged_from = engaged_from
        self._linking = linking
        self._values = values
        self._topic = signals
        self._namespace = namespace
        self._store = SignalStore(values, len(signals.extents))
        self._agent = SignalsAgent(
            self._store,
            # The workers published these messages before.
            NullPublisher(),
            Positions(conflict),
            Breaker(SIGNALS.name, RefusalLimit(share=1.0)),
            namespace=namespace,
            min_users=min_users,
        )
        self._min_users = min_users
        #: The last sequence applied from each source, by partition. The rebuild is the only writer.
        self._sources: dict[int, dict[int, int]] = {}

    async def take_catalogue(self) -> int:
        """Store the catalogue in partitions of state.signals without their first record; return the number of records.

        A partition that an interrupted rebuild has begun to replay is left as it is.
        """
        positions = await self._values.positions(sorted(self._topic.extents))
        wanted = {p: positions[p] for p, extent in self._topic.extents.items() if 0 < extent.first == positions[p] + 1}
        waiting: dict[int, dict[str, Item]] = {partition: {} for partition in wanted}
        taken = 0
        for record in self._catalogue() if wanted else ():
            item = catalogue_item(record)
            partition = partition_of(key_of(item.item_id), len(self._topic.extents))
            if partition in waiting:
                waiting[partition][item.item_id] = item
                taken += 1
                if len(waiting[partition]) == _BATCH_SIZE:
                    await self._put(partition, wanted[partition], waiting.pop(partition))
                    waiting[partition] = {}
        for partition, items in waiting.items():
            await self._put(partition, wanted[partition], items)
        return taken

    async def replay(self, partition: int, target: int, done: Done) -> int:
        """Apply the signals up to `target` as the items worker does, without publishing; return their number."""
        position = (await self._values.positions([partition]))[partition]
        count = 0
        records = self._signals(partition, position, target)
        while batch := list(islice(records, _BATCH_SIZE)):
            await self._agent.handle(batch)
            count += len(batch)
            done(len(batch))
        await self._end(partition, target)
        return count

    async def choose(self, choices: Sequence[Choice]) -> None:
        """Apply choices, which are in order for each source; skip those that were applied before."""
        count = len(self._topic.extents)
        grouped: dict[int, list[Choice]] = {}
        for choice in choices:
            for partition in {partition_of(item, count) for item in choice.items()}:
                if choice.sequence > self._sources[partition].get(choice.source, -1):
                    grouped.setdefault(partition, []).append(choice)
        wanted = {
            p: Wanted([], {item for each in new for item in each.items() if partition_of(item, count) == p})
            for p, new in grouped.items()
        }
        loaded = await self._store.load(wanted)
        await self._commit(loaded, {p: self._chosen(loaded[p], (p, count), new) for p, new in grouped.items()})

    def _chosen(self, stored: Signals, place: tuple[int, int], choices: Sequence[Choice]) -> Signals:
        effects = ItemEffects.on(stored, place)
        for each in choices:
            effects.choose(each, self._linking)
        return effects.after(stored, stored.position, time.time_ns() // 1_000_000, min_users=self._min_users)

    async def _end(self, partition: int, target: int) -> None:
        """Store `target` as the position: the last offsets before it may hold no record."""
        stored = (await self._store.load({partition: Wanted([], [])}))[partition]
        self._sources[partition] = stored.sources
        if stored.position < target:
            await self._commit({partition: stored}, {partition: replace(stored, position=target)})

    async def _put(self, partition: int, position: int, items: dict[str, Item]) -> None:
        signals = Signals(position, {}, NO_TRENDS, items, {})
        await self._commit({partition: signals}, {partition: signals})

    async def _commit(self, stored: Mapping[int, Signals], changed: Mapping[int, Signals]) -> None:
        expected = {partition: stored[partition].position for partition in changed}
        for partition, position in (await self._store.commit(expected, changed)).items():
            await conflict(partition, position)
        self._sources.update({partition: signals.sources for partition, signals in changed.items()})

    def _signals(self, partition: int, position: int, target: int) -> Iterator[Record]:
        """The signals to apply; the `after` of each is the offset of the one before it."""
        extent = self._topic.extents[partition]
        whole = extent.first == 0 and not self._links_otherwise(partition, target)
        for record in self._log.read(self._topic.topic, partition, position + 1, target + 1):
            takes_choices = whole and record.offset >= self._engaged_from[partition]
            if takes_choices or _linking_of(record) is None:
                yield replace(record, after=position)
                position = record.offset

    def _links_otherwise(self, partition: int, target: int) -> bool:
        """Whether a record that is to be applied links items as an earlier release did, or with other settings."""
        records = self._log.read(self._topic.topic, partition, self._engaged_from[partition], target + 1)
        return any(_linking_of(record) not in (None, self._linking) for record in records)

    def _catalogue(self) -> Iterator[Record]:
        name = self._namespace.topic(CATALOG)
        for partition in self._topic.extents:
            extent = self._log.extent(name, partition)
            yield from self._log.read(name, partition, extent.first, extent.end)


async def conflict(partition: int, position: int) -> None:
    """Raise CannotRebuild: another writer changed the new state."""
    raise CannotRebuild(
        f"somebody else moved partition {partition} of the new state to {position}: is another `sightline rebuild` "
        "running? Wait until it has ended"
    )


def _linking_of(record: Record) -> Linking | Literal["otherwise"] | None:
    """How a record links items; None for one that links none."""
    try:
        signal = parse_signal(record.value)
    except InvalidEvent:
        return None
    match signal:
        case Chosen(linking=linking):
            return linking
        case Engaged():
            return "otherwise"
    return None
