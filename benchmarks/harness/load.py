"""Load on a fixed schedule: publishes events and measures when they are answered, on one clock.

The loop is open: each event is due at its scheduled time, whether or not earlier events were answered, and its delay
counts from then. A system that stalls therefore pays for every event that waited (no coordinated omission).
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event as Flag

import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from numpy.typing import NDArray

from streams.errors import BrokerUnavailable, NotDelivered

_LEAD_NS = 50_000_000
_POLL_S = 0.05
_INTERVAL_S = 0.1
_CONNECT_S = 10.0
#: librdkafka logs errors only, and a broker that ends first is not an error.
_QUIET = {"log_level": 3, "log.connection.close": False}


@dataclass(frozen=True, slots=True)
class Event:
    """One event to publish; events with the same key are answered in order."""

    event_id: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: the event that it names, and the time when it was read (perf_counter_ns)."""

    key: bytes
    event_id: str
    at_ns: int


class Matcher:
    """Matches answers to events: `answered_ns` int64 [events] is the time of each answer, 0 for none yet."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._numbers = {event.event_id: number for number, event in enumerate(events)}
        self._waiting: dict[bytes, deque[int]] = {}
        for number, event in enumerate(events):
            self._waiting.setdefault(event.key, deque()).append(number)
        self.answered_ns = np.zeros(len(events), np.int64)
        self.open = len(events)

    def match(self, answers: Iterable[Answer]) -> None:
        """Record answers in their order.

        An answer covers the event that it names and all earlier events of that key: one list answers a batch.
        """
        for answer in answers:
            last, queue = self._numbers.get(answer.event_id, -1), self._waiting.get(answer.key)
            while queue and queue[0] <= last:
                self.answered_ns[queue.popleft()] = answer.at_ns
                self.open -= 1


class LoadClient:
    """Publishes events to one topic and reads the answers from another, in one process and on one clock."""

    def __init__(self, kafka: str, *, events: str, answers: str, answered_by: Callable[[bytes], str]) -> None:
        """`answered_by` extracts the event_id from the value of an answer; raises BrokerUnavailable."""
        self._topic = events
        self._answered_by = answered_by
        self._refused: list[KafkaError] = []
        self.late_ms: NDArray[np.float64] = np.zeros(0)
        self._producer = Producer(
            {
                "bootstrap.servers": kafka,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                # Retries must not reorder a key's events.
                "enable.idempotence": True,
                **_QUIET,
            }
        )
        self._producer.list_topics(events, _CONNECT_S)
        self._consumer = Consumer(
            {"bootstrap.servers": kafka, "group.id": "load", "enable.auto.commit": False, **_QUIET}
        )
        found = self._consumer.list_topics(answers, _CONNECT_S).topics[answers]
        if found.error is not None:
            raise BrokerUnavailable.no_topic(answers)
        partitions = [TopicPartition(answers, number) for number in found.partitions]
        for partition in partitions:
            partition.offset = self._end_of(partition)
        self._consumer.assign(partitions)

    def run(self, events: Sequence[Event], rate: float, *, patience_s: float = 10.0) -> NDArray[np.float64]:
        """Publish `rate` events a second; returns milliseconds from due to answered [events], NaN for never.

        Ends when all events are answered, or after `patience_s` without an answer; raises NotDelivered. Afterwards
        `late_ms` [events] is the time from due to published.
        """
        arrivals: list[tuple[bytes, bytes, int]] = []
        matcher, ended = Matcher(events), Flag()
        with ThreadPoolExecutor(1, "answers") as pool:
            reading = pool.submit(self._read, arrivals, ended)
            try:
                due_ns = self._publish(events, rate)
                self._await_answers(matcher, arrivals, patience_s)
            finally:
                ended.set()
            reading.result()
        answered_ns = matcher.answered_ns
        return np.where(answered_ns > 0, (answered_ns - due_ns) / 1e6, np.nan)

    def close(self) -> None:
        """Disconnect from the broker."""
        self._consumer.close()
        self._producer.close()

    def _end_of(self, partition: TopicPartition) -> int:
        """The offset of the next answer; retries, since a new topic may have no leader yet."""
        deadline = time.monotonic() + _CONNECT_S
        while True:
            try:
                end: int = self._consumer.get_watermark_offsets(partition, _CONNECT_S)[1]
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise BrokerUnavailable(f"{partition.topic} cannot be read: {error}") from error
                time.sleep(_INTERVAL_S)
            else:
                return end

    def _publish(self, events: Sequence[Event], rate: float) -> NDArray[np.int64]:
        """Publish each event when it is due; returns the due times, int64 [events]."""
        due_ns = time.perf_counter_ns() + _LEAD_NS + (np.arange(len(events)) * (1e9 / rate)).astype(np.int64)
        published_ns = []
        for event, due in zip(events, due_ns.tolist(), strict=True):
            self._producer.poll(0)
            while (early := due - time.perf_counter_ns()) > 0:
                time.sleep(early / 1e9)
            while not self._queue(event):
                self._producer.poll(_POLL_S)
            published_ns.append(time.perf_counter_ns())
        self._producer.flush(_CONNECT_S)
        self.late_ms = (np.array(published_ns, np.int64) - due_ns) / 1e6
        if self._refused:
            raise NotDelivered(f"{len(self._refused)} events were not delivered: {self._refused[0].str()}")
        return due_ns

    def _queue(self, event: Event) -> bool:
        try:
            self._producer.produce(self._topic, key=event.key, value=event.value, on_delivery=self._delivered)
        except BufferError:
            return False
        return True

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        if error is not None:
            self._refused.append(error)

    def _read(self, arrivals: list[tuple[bytes, bytes, int]], ended: Flag) -> None:
        while not ended.is_set():
            message = self._consumer.poll(_POLL_S)
            now = time.perf_counter_ns()
            if message is None:
                continue
            key, value, error = message.key(), message.value(), message.error()
            if error is not None or key is None or value is None:
                raise BrokerUnavailable(f"no answer could be read: {error or 'a message without key or value'}")
            arrivals.append((bytes(key), bytes(value), now))

    def _await_answers(self, matcher: Matcher, arrivals: Sequence[tuple[bytes, bytes, int]], patience_s: float) -> None:
        last_s, matched = time.monotonic(), 0
        while True:
            new = arrivals[matched:]
            matcher.match(Answer(key, self._answered_by(value), at_ns) for key, value, at_ns in new)
            matched += len(new)
            if new:
                last_s = time.monotonic()
            if not matcher.open or time.monotonic() - last_s > patience_s:
                return
            time.sleep(_INTERVAL_S)
