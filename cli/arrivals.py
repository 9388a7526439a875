"""Watches topics as an ordinary consumer does, and notes when each record arrives."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from sightline_client.connection import connecting
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable

CONNECT_S = 10.0


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
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": "sightline-arrivals",  # required by the client; nothing is committed under it
            "enable.auto.commit": False,
            "log_level": 2,
            **security.librdkafka_options(),
        }
        with connecting(bootstrap, security):
            self._consumer = Consumer(config)
        try:
            self.cluster_id = str(self._consumer.list_topics(timeout=CONNECT_S).cluster_id)
            self._consumer.assign([end for topic in topics for end in self._ends(topic)])
        except KafkaException as error:
            self._consumer.close()
            raise BrokerUnavailable.no_answer(bootstrap, error) from None
        except BrokerUnavailable:
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

    def _ends(self, topic: str) -> list[TopicPartition]:
        partitions = self._consumer.list_topics(topic, timeout=CONNECT_S).topics[topic].partitions
        if not partitions:
            raise BrokerUnavailable.no_topic(topic)
        bare = [TopicPartition(topic, number) for number in partitions]
        ends = [self._consumer.get_watermark_offsets(one, timeout=CONNECT_S)[1] for one in bare]
        return [TopicPartition(topic, one.partition, end) for one, end in zip(bare, ends, strict=True)]

    def _read(self) -> None:
        while not self._closed.is_set():
            record = self._consumer.poll(0.1)
            if record is None or record.error() is not None:
                continue
            topic, key = record.topic() or "", (record.key() or b"").decode(errors="replace")
            arrival = Arrival(topic, key, record.value(), time.perf_counter())
            with self._lock:
                self.counts[topic] += 1
                waiting = self._expected.pop(key, None)
            if waiting is not None:
                waiting.set_result(arrival)
