"""Follows topics from a while ago on, all partitions and in no group: for those who listen now.

librdkafka fetches, and a thread hands what came to the event loop: a consumer inside the loop takes more of its time,
and a record is there later (docs/adr/0013).
"""

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from sightline_client.connection import connecting
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.kafka.following import TIMEOUT_MS
from streams.kafka.log_reader import record_of
from streams.logs import Seldom, log
from streams.wire.records import Record

#: The longest wait for the topics at the start.
_START_S: Final = 30.0
_AGAIN_S: Final = 1.0
#: How long the thread waits for records before it looks whether it is to end.
_POLL_S: Final = 0.1
_FETCH_RECORDS: Final = 1000
_CONFIG: Final[dict[str, Any]] = {
    "group.id": "sightline-tail",  # required by the client; nothing is committed under it
    "enable.auto.commit": False,
    # Where a place is gone, since retention cut the topic, the first record is next.
    "auto.offset.reset": "earliest",
    "isolation.level": "read_committed",
    "queued.max.messages.kbytes": 16_384,
    "log_level": 2,
}


@dataclass(frozen=True, slots=True)
class Followed:
    """What reads the records of a topic, in the order of each partition, and from how many seconds ago on.

    Of a partition no more than the last `most` records from before the start are read.
    """

    read: Callable[[Sequence[Record]], None]
    back_s: float
    most: int = 1000


class TopicTail:
    """Gives the records of topics to who reads them; `start` returns when it reads on from a known place."""

    def __init__(
        self,
        bootstrap: str,
        followed: Mapping[str, Followed],
        *,
        security: KafkaSecurity = PLAINTEXT,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        """`timeout_ms` is how long Kafka is waited for when the first places are asked for."""
        self._bootstrap, self._followed, self._security = bootstrap, followed, security
        self._timeout_s = timeout_ms / 1000
        self._places: dict[tuple[str, int], int] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._seldom = Seldom(60.0)

    async def start(self) -> None:
        """Find the topics, and follow them in the background from then on; raises BrokerUnavailable."""
        self._loop = asyncio.get_running_loop()
        self._settled = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="tail of topics", daemon=True)
        self._thread.start()
        try:
            await asyncio.wait_for(self._settled.wait(), _START_S)
        except TimeoutError:
            raise BrokerUnavailable(f"Kafka at {self._bootstrap} does not answer within {_START_S:.0f} s") from None
        if self._failure is not None:
            raise self._failure

    @property
    def failure(self) -> BaseException | None:
        """The unexpected error that ended the tail; the process must end, too."""
        return self._failure

    async def stop(self) -> None:
        """Follow no more."""
        self._stopping.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        """In the thread: follow, and begin anew after what Kafka may get over."""
        try:
            while not self._stopping.is_set():
                try:
                    self._follow()
                except _NoTopic:
                    raise
                except (BrokerUnavailable, KafkaException) as error:
                    left_out = self._seldom.left_out(type(error).__name__)
                    if left_out is not None:
                        log.warning("tail_unread", error=str(error), left_out=left_out)
                    self._stopping.wait(_AGAIN_S)
        except Exception as error:  # noqa: BLE001 (the process ends with whatever ended the thread)
            self._failure = error
            self._settle()

    def _follow(self) -> None:
        with connecting(self._bootstrap, self._security):
            consumer = Consumer(_CONFIG | {"bootstrap.servers": self._bootstrap} | self._security.librdkafka_options())
        try:
            if not self._places:
                self._places = self._first_places(consumer)
            consumer.assign([TopicPartition(*place, offset) for place, offset in self._places.items()])
            self._settle()
            while not self._stopping.is_set():
                self._take(consumer)
        finally:
            consumer.close()

    def _first_places(self, consumer: Consumer) -> dict[tuple[str, int], int]:
        """Where to begin with each partition; raises BrokerUnavailable for a topic that is not there."""
        known = consumer.list_topics(timeout=self._timeout_s).topics
        if missing := sorted(self._followed.keys() - {name for name, topic in known.items() if topic.error is None}):
            raise _NoTopic.no_topic(" or ".join(missing))
        now_ms = time.time_ns() // 1_000_000
        wanted = [
            TopicPartition(topic, partition, now_ms - int(1000 * followed.back_s))
            for topic, followed in self._followed.items()
            for partition in known[topic].partitions
        ]
        places = {}
        for found in consumer.offsets_for_times(wanted, timeout=self._timeout_s):
            if found.error is not None:
                raise KafkaException(found.error)
            first, end = consumer.get_watermark_offsets(found, timeout=self._timeout_s)
            by_time = end if found.offset < 0 else found.offset
            places[found.topic, found.partition] = max(by_time, end - self._followed[found.topic].most, first)
        return places

    def _take(self, consumer: Consumer) -> None:
        """Hand what came to the event loop; raises KafkaException."""
        first = consumer.poll(_POLL_S)
        if first is None:
            return
        by_topic: dict[str, list[Record]] = {}
        for received in (first, *consumer.consume(_FETCH_RECORDS - 1, 0)):
            if (error := received.error()) is not None:
                raise KafkaException(error)
            topic, partition, offset = received.topic(), received.partition(), received.offset()
            assert topic is not None
            assert partition is not None
            assert offset is not None
            by_topic.setdefault(topic, []).append(record_of(received, topic, partition, offset))
        # Waiting for the readers, the thread fetches no faster than they read, and ends with what they raise.
        asyncio.run_coroutine_threadsafe(self._read(by_topic), self._loop).result()
        for records in by_topic.values():
            self._places |= {(record.topic, record.partition): record.offset + 1 for record in records}

    async def _read(self, found: Mapping[str, Sequence[Record]]) -> None:
        for topic, records in found.items():
            self._followed[topic].read(records)

    def _settle(self) -> None:
        # The loop may be over before the thread is.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settled.set)


class _NoTopic(BrokerUnavailable):
    """A topic is missing: to wait for it is of no use."""
