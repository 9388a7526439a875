"""Fakes for tests of agents: a publisher that keeps messages, a clock, a log in memory, and records."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from sightline_client.routing import partition_of
from state.degradations import Degradations
from state.redis import connect
from streams.kafka.log_reader import Extent
from streams.wire.events import DeadLetter, Recommendations
from streams.wire.records import Message, Record

NOON = 1_767_268_800_000
DEADLINE_S = 60.0


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail after DEADLINE_S."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 (the conditions have no asyncio events)
            await asyncio.sleep(0.02)


class FakePublisher:
    """Keeps the contract of Publisher; while `failure` is set, calls raise it and publish nothing."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.failure: Exception | None = None
        self.before: Callable[[], None] = lambda: None

    async def publish(self, messages: Sequence[Message]) -> None:
        self.before()
        if self.failure is not None:
            raise self.failure
        self.messages += messages

    def to(self, topic: str) -> list[Message]:
        """The messages published to one topic."""
        return [message for message in self.messages if message.topic == topic]

    def lists(self) -> list[Recommendations]:
        """The published recommendations, without withdrawals."""
        values = [message.value for message in self.to("recommendations") if message.value is not None]
        return [msgspec.json.decode(value, type=Recommendations) for value in values]

    def dead_letters(self) -> list[DeadLetter]:
        """The published dead letters."""
        return [msgspec.json.decode(m.value or b"", type=DeadLetter) for m in self.to("dead-letters")]


class Clock:
    """A clock that always shows `now_ms`."""

    def __init__(self, now_ms: int = NOON) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


class Rewinds:
    """Records rewind requests as (partition, position)."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    async def __call__(self, partition: int, position: int) -> None:
        self.asked.append((partition, position))


class MemoryLog:
    """Keeps the contract of LogReader; `cut` is the first offset of partitions from which retention removed records."""

    def __init__(self) -> None:
        self.cut: dict[tuple[str, int], int] = {}
        #: Offsets that hold no record.
        self.markers: set[tuple[str, int, int]] = set()
        self._records: defaultdict[tuple[str, int], list[Record]] = defaultdict(list)

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, *, at_ms: int = NOON
    ) -> Record:
        """Append a record as a broker does, and return it."""
        records = self._records[topic, partition]
        records.append(Record(topic, partition, len(records), at_ms, key, value, after=len(records) - 1))
        return records[-1]

    def mark(self, topic: str, partition: int) -> None:
        """Append the marker of a transaction."""
        marker = self.append(topic, partition, None, None)
        self.markers.add((topic, partition, marker.offset))

    def publish(self, messages: Sequence[Message], partitions: int) -> None:
        """Append messages as a broker does; murmur2 of the key chooses the partition of those without one."""
        for message in messages:
            partition = message.partition
            if partition is None:
                partition = 0 if message.key is None else partition_of(message.key, partitions)
            record = self.append(message.topic, partition, message.key, message.value)
            self._records[message.topic, partition][-1] = replace(record, headers=message.headers)

    def make_anew(self, topic: str) -> None:
        """Delete the topic and create one of the same name."""
        for name, partition in [each for each in self._records if each[0] == topic]:
            del self._records[name, partition]

    def extent(self, topic: str, partition: int) -> Extent:
        return Extent(self.cut.get((topic, partition), 0), len(self._records[topic, partition]))

    def offset_at(self, topic: str, partition: int, at_ms: int) -> int:
        records = self._records[topic, partition]
        return next((record.offset for record in records if record.timestamp_ms >= at_ms), len(records))

    def read(self, topic: str, partition: int, first: int, end: int) -> Iterator[Record]:
        kept = self._records[topic, partition][max(first, self.cut.get((topic, partition), 0)) : end]
        return (record for record in kept if (topic, partition, record.offset) not in self.markers)


def degradations() -> Degradations:
    """Degradations on a Redis that does not exist."""
    return Degradations(connect("redis://127.0.0.1:1"), "", ("encoder",), observe=lambda op, seconds: None)


def linked(records: Iterable[Record]) -> list[Record]:
    """The records of one partition in the given order, each with `after` of the one before; the first follows -1."""
    after, found = -1, []
    for record in records:
        found.append(replace(record, after=after))
        after = record.offset
    return found


def passed(after: int, offset: int, *, topic: str = "events.interactions", partition: int = 0) -> Record:
    """What stands for the offsets behind `after`, up to `offset`, that hold no event."""
    return Record(topic, partition, offset, NOON, None, None, after=after, holds_event=False)


def wire(event: object) -> bytes | None:
    """The value of an event on a topic: bytes and None unchanged, anything else as JSON."""
    return event if isinstance(event, bytes) or event is None else json.dumps(event).encode()


class HeaderName(str):
    """A header name that kafka-python and aiokafka write as the given bytes, valid UTF-8 or not."""

    __slots__ = ("_data",)

    _data: bytes

    def __new__(cls, data: bytes) -> "HeaderName":
        name = super().__new__(cls, data, "latin-1")
        name._data = data
        return name

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The given bytes."""
        return self._data
