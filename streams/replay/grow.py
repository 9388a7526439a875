"""Moves an app to another number of partitions: its retained events and its items are copied under another prefix.

A key's partition follows from the number of partitions, so it cannot change below profiles that lie by partition. The
copy is of the log, not of the state: the workers make the state from it, and everything stays verifiable by the log.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final

from features.item import Item
from streams.credentials import kafka_security
from streams.errors import CannotGrow
from streams.kafka.admin import create_topics, read_log
from streams.kafka.admin_client import AdminConnection
from streams.kafka.continuity import Log
from streams.kafka.groups import read_handled, refuse_running
from streams.kafka.log_reader import KafkaLogReader, LogReader
from streams.kafka.publisher import KafkaPublisher, Publisher
from streams.replay.catalogue import catalogue_item
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.signals import SignalTopic, Uploaded

#: Messages that are published together.
_BATCH: Final = 500
#: The topics whose records the copy leaves out, so that they must be handled before; and the worker that does it.
_HANDLED_BY: Final = (
    (topics.UPLOADS, "uploads"),
    (topics.ITEMS, "items"),
    (topics.PRIVACY, "items"),
    (topics.SIGNALS, "items"),
)

#: Called with the number of messages that were copied since the last call.
Copied = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Grown:
    """How many events and items were copied; items that are known to be deleted count, too."""

    events: int
    items: int


async def grow_app(
    settings: Settings, kafka: str, *, into: Namespace, partitions: int, copied: Copied = lambda _count: None
) -> Grown:
    """Create the topics of another app with this number of partitions, and copy this app's events and items to them.

    Raises WorkersRun while workers run, and CannotGrow while something is not handled, or if the topics exist.
    """
    security, old = kafka_security(settings), Namespace(settings.topic_prefix)
    with closing(AdminConnection(kafka, security=security)) as connection:
        refuse_running(connection, old)
    with closing(KafkaLogReader(kafka, security=security)) as log:
        _refuse_unhandled(settings, kafka, old, log)
        created = create_topics(kafka, into, partitions, settings.replication_factor, security=security)
        if created.existing:
            raise CannotGrow(
                f"topics that begin with {into.prefix!r} were there before, such as {created.existing[0]}: choose "
                "another prefix, or delete them if an earlier copy was interrupted"
            )
        sources = (
            read_log(kafka, old.topic(topic), security=security) for topic in (topics.INTERACTIONS, topics.CATALOG)
        )
        publisher = KafkaPublisher(kafka, client_id="sightline-grow", security=security)
        try:
            return await copy_app(log, publisher, *sources, into=into, partitions=partitions, copied=copied)
        finally:
            await publisher.close()


def _refuse_unhandled(settings: Settings, kafka: str, namespace: Namespace, log: LogReader) -> None:
    security = kafka_security(settings)
    for topic, worker in _HANDLED_BY:
        name = namespace.topic(topic)
        handled = read_handled(kafka, namespace.group(worker), name, security=security)
        for partition, extent in read_log(kafka, name, security=security).extents.items():
            first = max(handled.get(partition, -1) + 1, extent.first)
            waiting = sum(1 for _ in log.read(name, partition, first, extent.end))
            if waiting:
                raise CannotGrow(
                    f"{name}[{partition}] has {waiting} records that are not handled: start the {worker} worker until "
                    "nothing lags, then stop it and try again"
                )


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
    """Yield each item as it is now; a compacted topic may still hold what it was before.

    A deletion is copied as long as its tombstone is kept: a later upload must not show the item.
    """
    for partition in sorted(source.extents):
        last = {record.key: record.offset for record in _of_partition(log, source, partition)}
        for record in _of_partition(log, source, partition):
            if last[record.key] == record.offset:
                yield catalogue_item(record)


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
