"""Moves an app to another number of partitions: its retained events and its items are copied under another prefix.

A key's partition follows from the number of partitions, so it cannot change below profiles that lie by partition. The
copy is of the log, not of the state: the workers make the state from it, and everything stays verifiable by the log.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from features.item import Item
from state.codec import decode_item
from streams.errors import CannotGrow
from streams.kafka.continuity import Log
from streams.kafka.log_reader import LogReader
from streams.kafka.publisher import Publisher
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.signals import SignalTopic, Uploaded

#: Messages that are published together.
_BATCH: Final = 500

#: Called with the number of messages that were copied since the last call.
Copied = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Grown:
    """How many events and items were copied."""

    events: int
    items: int


async def copy_app(
    log: LogReader,
    publisher: Publisher,
    interactions: Log,
    catalogue: Log,
    *,
    into: Namespace,
    partitions: int,
    copied: Copied = lambda _count: None,
) -> Grown:
    """Copy the events of users and the items of an app into the empty topics of another, which has `partitions`.

    Events keep their order within a partition, so within a key, too. Raises CannotGrow if an event came meanwhile.
    """
    signals = SignalTopic(into, partitions)
    items = await _publish(publisher, map(signals.message, map(Uploaded, _items(log, catalogue))), copied)
    events = await _publish(publisher, _events(log, interactions, into.topic(topics.INTERACTIONS)), copied)
    for source in (interactions, catalogue):
        if any(log.extent(source.topic, p).end != extent.end for p, extent in source.extents.items()):
            raise CannotGrow(
                f"{source.topic} grew while it was copied: stop every publisher and worker, delete the topics that "
                f"begin with {into.prefix!r}, and copy again"
            )
    return Grown(events, items)


def _events(log: LogReader, source: Log, target: str) -> Iterator[Message]:
    for record in _records(log, source):
        yield Message(target, record.key, record.value, record.headers)


def _items(log: LogReader, source: Log) -> Iterator[Item]:
    """Yield each item as it is now; a compacted topic may still hold what it was before."""
    for partition in sorted(source.extents):
        last = {record.key: record.offset for record in _of_partition(log, source, partition)}
        for record in _of_partition(log, source, partition):
            if record.value is not None and last[record.key] == record.offset:
                yield decode_item(record.value)


def _records(log: LogReader, source: Log) -> Iterator[Record]:
    for partition in sorted(source.extents):
        yield from _of_partition(log, source, partition)


def _of_partition(log: LogReader, source: Log, partition: int) -> Iterator[Record]:
    extent = source.extents[partition]
    return log.read(source.topic, partition, extent.first, extent.end)


async def _publish(publisher: Publisher, messages: Iterable[Message], copied: Copied) -> int:
    count, rest = 0, iter(messages)
    # Reading blocks, so it runs on a thread.
    while batch := await asyncio.to_thread(lambda: list(islice(rest, _BATCH))):
        await publisher.publish(batch)
        count += len(batch)
        copied(len(batch))
    return count
