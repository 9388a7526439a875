"""Reads the log of a deployment: what its users did, from events.interactions, and its items, from state.catalog."""

from collections.abc import Iterator

from benchmarks.evaluation.log import Event, Log, UnreadableLog
from features.item import Item
from state.codec import decode_item
from streams.errors import InvalidEvent
from streams.kafka.log_reader import LogReader
from streams.wire.namespace import Namespace
from streams.wire.parsing import clamp_time, parse_interaction
from streams.wire.records import Record
from streams.wire.topics import CATALOG, INTERACTIONS, Topic


def read_topics(reader: LogReader, namespace: Namespace, partitions: int, *, since_ms: int | None = None) -> Log:
    """The log that the topics hold now, in the broker's order; raises BrokerUnavailable, StateCorrupt, UnreadableLog.

    What the agents refuse is left out, and so are privacy requests; with `since_ms` also interactions that the broker
    received before.
    """
    items: dict[str, Item] = {}
    for record in _records(reader, namespace, CATALOG, partitions):
        item_id = (record.key or b"").decode()
        items.pop(item_id, None)
        if record.value is not None:
            items[item_id] = decode_item(record.value)
    found = [
        ((record.timestamp_ms, record.partition, record.offset), event)
        for record in _records(reader, namespace, INTERACTIONS, partitions, since_ms)
        if (event := _event(record)) is not None
    ]
    if not found:
        raise UnreadableLog(f"{namespace.topic(INTERACTIONS)} holds no interaction")
    return Log([event for _, event in sorted(found, key=lambda each: each[0])], items=items)


def _records(
    reader: LogReader, namespace: Namespace, topic: Topic, partitions: int, since_ms: int | None = None
) -> Iterator[Record]:
    name = namespace.topic(topic)
    for partition in range(partitions):
        extent = reader.extent(name, partition)
        first = extent.first if since_ms is None else reader.offset_at(name, partition, since_ms)
        yield from reader.read(name, partition, first, extent.end)


def _event(record: Record) -> Event | None:
    try:
        given = parse_interaction(record)
    except InvalidEvent:
        return None
    at_ms = clamp_time(given.occurred_at_ms, record.timestamp_ms)
    return Event(given.user_id, given.item_id, given.type, at_ms, given.dwell_ms, given.rating)
