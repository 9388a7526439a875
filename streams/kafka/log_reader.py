"""Reads retained records of a topic from one offset to another, for checks, replays and dead letters."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Protocol, TypeVar

import stamina
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Received

from sightline_client.connection import connecting
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import AccessRefused, BrokerUnavailable
from streams.wire.broker_time import record_time
from streams.wire.records import Record

T = TypeVar("T")

#: `Message.headers()` by a call that Python checks. For a name that is not UTF-8, confluent-kafka sets an error and
#: also returns a tuple with a hole. Python's fast path for method calls lets that through, and the process may crash.
_headers: Callable[[Received], Any] = methodcaller("headers")

_NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
_TIMEOUT_S = 30.0
_FETCH_RECORDS = 1000
#: The time the client waits for a batch to fill up, even at the end of a partition.
_FETCH_S = 0.02


@dataclass(frozen=True, slots=True)
class Extent:
    """The offsets that a partition holds: from `first` to before `end`. Some may hold no event."""

    first: int
    end: int


class LogReader(Protocol):
    """Access to the retained records of topics."""

    def extent(self, topic: str, partition: int) -> Extent:
        """The offsets that may be read now; `end` lies before an open transaction. Raises BrokerUnavailable."""
        ...

    def offset_at(self, topic: str, partition: int, at_ms: int) -> int:
        """The first offset at or after the time `at_ms`, or the end if there is none; raises BrokerUnavailable."""
        ...

    def read(self, topic: str, partition: int, first: int, end: int) -> Iterator[Record]:
        """The records from `first` to before `end`, which must not exceed the partition's; raises BrokerUnavailable.

        Exhaust one iterator before you ask for the next.
        """
        ...


class KafkaLogReader:
    """A LogReader on a consumer without a group; call `close` at the end."""

    def __init__(self, bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> None:
        self._bootstrap = bootstrap
        self._username = security.username
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": "sightline-reader",  # required by the client; nothing is committed under it
            "enable.auto.commit": False,
            # If retention deletes records during a read, that is an error: no record may be missing silently.
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            # To switch to another partition, the client waits for the fetch under way.
            "fetch.wait.max.ms": 20,
            # As the workers read.
            "isolation.level": "read_committed",
            "log_level": 2,
        }
        with connecting(bootstrap, security):
            self._consumer = Consumer(config | security.librdkafka_options())

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()

    def extent(self, topic: str, partition: int) -> Extent:
        """See LogReader."""
        place = TopicPartition(topic, partition)
        return Extent(*self._asked(topic, lambda: self._consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)))

    def offset_at(self, topic: str, partition: int, at_ms: int) -> int:
        """See LogReader."""
        place = TopicPartition(topic, partition, at_ms)

        def find() -> int:
            (found,) = self._consumer.offsets_for_times([place], timeout=_TIMEOUT_S)
            # Without this check, an error would look like "no such record".
            if found.error is not None:
                raise KafkaException(found.error)
            return int(found.offset)

        offset = self._asked(topic, find)
        return offset if offset >= 0 else self.extent(topic, partition).end

    def read(self, topic: str, partition: int, first: int, end: int) -> Iterator[Record]:
        """See LogReader."""
        if first >= end:
            return
        self._consumer.assign([TopicPartition(topic, partition, first)])
        heard = time.monotonic()
        while True:
            batch = self._consumer.consume(_FETCH_RECORDS, _FETCH_S)
            if batch:
                heard = time.monotonic()
            elif time.monotonic() - heard > _TIMEOUT_S:
                raise BrokerUnavailable(f"{topic}[{partition}] gave nothing for {_TIMEOUT_S:.0f} s: is Kafka healthy?")
            for received in batch:
                error, offset = received.error(), received.offset()
                if error is not None and error.code() == KafkaError._PARTITION_EOF:
                    # The last offsets may hold no record: compaction removed it, or a transaction was aborted or ended.
                    return
                if error is not None:
                    raise self._unavailable(topic, error)
                if offset is None or offset >= end:
                    return
                yield record_of(received, topic, partition, offset)
                if offset == end - 1:
                    return

    def _asked(self, topic: str, question: Callable[[], T]) -> T:
        """Kafka's answer. Repeats the request while the partition has no leader, as right after its creation."""
        try:
            return stamina.RetryingCaller(attempts=None, timeout=_TIMEOUT_S, wait_max=1.0)(_has_no_leader, question)
        except KafkaException as error:
            raise self._unavailable(topic, error.args[0]) from error

    def _unavailable(self, topic: str, error: KafkaError) -> BrokerUnavailable | AccessRefused:
        if error.code() in (KafkaError._UNKNOWN_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            return BrokerUnavailable.no_topic(topic)
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return AccessRefused.forbidden(self._username, f"read {topic}")
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            return BrokerUnavailable(f"{topic} was cut by its retention while it was read ({error.str()}): try again")
        if error.code() == KafkaError._BAD_COMPRESSION:
            return BrokerUnavailable(f"{topic} holds a batch that is too large to be unpacked here: {error.str()}")
        return BrokerUnavailable.no_answer(self._bootstrap, KafkaException(error))


def _has_no_leader(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].code() in _NO_LEADER


def record_of(received: Received, topic: str, partition: int, offset: int) -> Record:
    """What librdkafka received, as a Record."""
    try:
        headers = _headers(received) or ()
    except SystemError:
        # The name of a header is not UTF-8.
        headers = ()
    kind, stamp_ms = received.timestamp()
    return Record(
        topic,
        partition,
        offset,
        record_time(topic, stamp_ms, by_broker=kind == TIMESTAMP_LOG_APPEND_TIME, again=True),
        received.key(),
        received.value(),
        tuple((name, value or b"") for name, value in headers),
    )
