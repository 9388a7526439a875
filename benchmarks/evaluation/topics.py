"""Reads the log of a deployment: what its users did, from events.interactions, and its items, from state.catalog."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from benchmarks.evaluation.log import Event, Log, UnreadableLog
from features.item import Item
from state.codec import decode_item
from streams.errors import InvalidEvent
from streams.experiments.outcomes import FEED
from streams.kafka.log_reader import LogReader
from streams.privacy.asked import Asked
from streams.privacy.control_records import ControlRecords
from streams.wire.cloud_events import event_key
from streams.wire.namespace import Namespace
from streams.wire.parsing import clamp_time, parse_interaction
from streams.wire.records import Record
from streams.wire.topics import CATALOG, INTERACTIONS, Topic

#: An event with what orders the events of all partitions: the broker's time, the partition and the offset.
_Placed: TypeAlias = tuple[tuple[int, int, int], Event]


def read_topics(
    reader: LogReader,
    namespace: Namespace,
    partitions: int,
    control_records: ControlRecords,
    *,
    since_ms: int | None = None,
) -> Log:
    """The log that the topics hold now, in the broker's order; raises BrokerUnavailable, StateCorrupt, UnreadableLog.

    What the agents refuse or have applied before is left out, and so is what users did before a forget or reset, and
    until an opt-out ended; with `since_ms` also interactions that the broker received before.
    """
    items: dict[str, Item] = {}
    for record in _records(reader, namespace, CATALOG, partitions):
        item_id = (record.key or b"").decode()
        items.pop(item_id, None)
        if record.value is not None:
            items[item_id] = decode_item(record.value)
    found = [
        event
        for partition in range(partitions)
        for event in _allowed(_partition(reader, namespace, INTERACTIONS, partition, since_ms), control_records)
    ]
    if not found:
        raise UnreadableLog(f"{namespace.topic(INTERACTIONS)} holds no interaction")
    return Log([event for _, event in sorted(found, key=lambda each: each[0])], items=items)


def _records(reader: LogReader, namespace: Namespace, topic: Topic, partitions: int) -> Iterator[Record]:
    for partition in range(partitions):
        yield from _partition(reader, namespace, topic, partition)


def _partition(
    reader: LogReader, namespace: Namespace, topic: Topic, partition: int, since_ms: int | None = None
) -> Iterator[Record]:
    name = namespace.topic(topic)
    extent = reader.extent(name, partition)
    first = extent.first if since_ms is None else reader.offset_at(name, partition, since_ms)
    yield from reader.read(name, partition, first, extent.end)


def _allowed(
    records: Iterable[Record], control_records: ControlRecords
) -> Iterator[tuple[tuple[int, int, int], Event]]:
    """The events of a partition that their users let count; all events and requests of a user are in one."""
    #: The events of each user by the keys of their ids; None for one that was taken back, which may be sent again.
    kept: dict[str, dict[int, _Placed | None]] = {}
    asked = Asked()
    for record in records:
        found = _event(record)
        if found is not None:
            key, event = found
            if asked.allows(event.user, event.at_ms):
                place = record.timestamp_ms, record.partition, record.offset
                kept.setdefault(event.user, {}).setdefault(key, (place, event))
        elif (request := control_records.read(record)) is not None and asked.erases(request):
            kept[request.user_id] = dict.fromkeys(kept.get(request.user_id, ()))
    return (event for events in kept.values() for event in events.values() if event is not None)


def _event(record: Record) -> tuple[int, Event] | None:
    """The event of a record, with the key of its id; None where the agents refuse it."""
    try:
        given = parse_interaction(record)
    except InvalidEvent:
        return None
    return event_key(given), Event(
        given.user_id,
        given.item_id,
        given.type,
        clamp_time(given.occurred_at_ms, record.timestamp_ms),
        dwell_ms=given.dwell_ms,
        duration_ms=given.duration_ms,
        rating=given.rating,
        # An app may write the name of a page here, which is that of no list.
        rec_id=given.rec_id if FEED.fullmatch(given.rec_id or "") else None,
    )
