"""Watches topics as an ordinary consumer does, and notes when each record arrives."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # ships no types
from kafka.errors import KafkaError  # type: ignore[import-untyped]

from sightline_client.connection import CONNECT_MS, connecting
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable


@dataclass(frozen=True, slots=True)
class Arrival:
    """A received record; `at` is time.perf_counter() at its arrival."""

    topic: str
    key: str
    value: bytes | None
    at: float


class Arrivals:
    """Reads all partitions of topics from their end at construction on, on a thread of its own.

    `expect(key)` returns a future of the next record with that key on any of the topics; `counts` counts by topic.
    """

    def __init__(self, bootstrap: str, topics: Sequence[str], *, security: KafkaSecurity = PLAINTEXT) -> None:
        self.counts: Counter[str] = Counter()
        self._expected: dict[str, Future[Arrival]] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        with connecting(bootstrap, security):
            self._consumer: Any = KafkaConsumer(
                bootstrap_servers=bootstrap,
                enable_auto_commit=False,
                allow_auto_create_topics=False,
                isolation_level="read_committed",
                bootstrap_timeout_ms=CONNECT_MS,
                # A quiet partition must not hold up a busy one for the default of half a second.
                fetch_max_wait_ms=50,
                metrics_enabled=False,
                **security.python_options(),
            )
        try:
            with connecting(bootstrap, security):
                self._start(topics)
        except BaseException:
            self._consumer.close()
            raise
        self._thread = threading.Thread(target=self._read, name="arrivals", daemon=True)
        self._thread.start()

    def expect(self, key: str) -> Future[Arrival]:
        """The next record with this key; call this before the record can be written."""
        future: Future[Arrival] = Future()
        with self._lock:
            self._expected[key] = future
        return future

    def close(self) -> None:
        """Stop reading and disconnect."""
        self._closed.set()
        self._thread.join()
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, topics: Sequence[str]) -> None:
        partitions = [TopicPartition(topic, number) for topic in topics for number in self._partitions(topic)]
        self._consumer.assign(partitions)
        for partition, end in self._consumer.end_offsets(partitions, timeout_ms=CONNECT_MS).items():
            self._consumer.seek(partition, end)

    def _partitions(self, topic: str) -> set[int]:
        partitions: set[int] | None = self._consumer.partitions_for_topic(topic)
        if not partitions:
            raise BrokerUnavailable.no_topic(topic)
        return partitions

    def _read(self) -> None:
        while not self._closed.is_set():
            try:
                fetched = self._consumer.poll(timeout_ms=100)
            except KafkaError:
                # Whoever expects a record has a deadline; until then the broker may come back.
                self._closed.wait(0.1)
                continue
            for record in (record for batch in fetched.values() for record in batch):
                self._take(record)

    def _take(self, record: Any) -> None:
        key = (record.key or b"").decode(errors="replace")
        arrival = Arrival(record.topic, key, record.value, time.perf_counter())
        with self._lock:
            self.counts[record.topic] += 1
            waiting = self._expected.pop(key, None)
        if waiting is not None:
            waiting.set_result(arrival)
