"""What a Kafka topic holds: a record that was read, and a message to be published. Plain data, without a client."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Record:
    """One message as the broker holds it; `timestamp_ms` is the broker's clock (streams/wire/broker_time.py).

    `after` is the offset of the record before it in its partition; None when that is not known. A record without
    `holds_event` stands for the offsets from `after` up to its own, none of which holds an event: the markers of
    transactions, aborted records, and what compaction took. It moves a position, and does nothing else.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    after: int | None = None
    holds_event: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """One record to publish; without a `partition` the key's murmur2 hash decides, as in every other client."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


def events_of(records: Sequence[Record]) -> list[Record]:
    """The records that hold an event."""
    return [record for record in records if record.holds_event]


def by_partition(records: Iterable[Record]) -> dict[int, list[Record]]:
    """Group records by partition, each group in input order."""
    grouped: dict[int, list[Record]] = {}
    for record in records:
        grouped.setdefault(record.partition, []).append(record)
    return grouped
