"""What apps and feed services use: events in by EventPublisher, lists out by RecommendationSubscriber.

Both are synchronous and stand on kafka-python; neither needs anything else of Sightline.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Literal, Self

import msgspec
from kafka import KafkaConsumer, KafkaProducer, TopicPartition  # type: ignore[import-untyped]  # ships no types
from kafka.errors import KafkaError  # type: ignore[import-untyped]

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable, InvalidEvent, NotDelivered
from streams.kafka.connection import connecting
from streams.wire.events import Interaction, ItemChange, PrivacyRequest, Recommendations, Upload, encode
from streams.wire.parsing import parse_interaction, parse_item_change, parse_privacy_request, parse_upload
from streams.wire.pseudonyms import pseudonymous
from streams.wire.records import Record
from streams.wire.routing import partition_of, route
from streams.wire.topics import RECOMMENDATIONS, UPLOADS

BUFFER_BYTES: Final = 32 << 20
REMEMBERED_LISTS: Final = 100_000
CONNECT_MS: Final = 10_000
METADATA_MS: Final = 5_000
SEND_S: Final = 30.0


class EventPublisher:
    """Publishes events in order per key; safe to share between threads, blocks when 32 MiB wait for Kafka.

    With a `pseudonym_key` no user's id leaves: its keyed hash stands in its place (`streams.wire.pseudonyms`).
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        prefix: str = "",
        security: KafkaSecurity = PLAINTEXT,
        pseudonym_key: bytes | None = None,
    ) -> None:
        self._prefix = prefix
        self._pseudonym_key = pseudonym_key
        self._changed = threading.Condition()
        self._waiting_bytes = 0
        self._waiting = 0
        self._failed = 0
        self._first_failure: BaseException | None = None
        with connecting(bootstrap, security):
            self._producer: Any = KafkaProducer(
                bootstrap_servers=bootstrap,
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                bootstrap_timeout_ms=CONNECT_MS,
                max_block_ms=METADATA_MS,
                max_request_size=int(UPLOADS.config["max.message.bytes"]),
                delivery_timeout_ms=int(SEND_S * 1000),
                request_timeout_ms=10_000,
                metrics_enabled=False,
                **security.python_options(),
            )

    def publish(self, event: Interaction | Upload | ItemChange | PrivacyRequest) -> Any:
        """Send an event; returns kafka-python's future. Raises InvalidEvent for what would be a dead letter."""
        if self._pseudonym_key is not None:
            event = pseudonymous(self._pseudonym_key, event)
        topic, key, value = _on_the_wire(event)
        self._take_room(len(value))
        try:
            future = self._producer.send(self._prefix + topic, value=value, key=key)
        except KafkaError as error:
            self._done(len(value), None)
            raise NotDelivered(
                f"{self._prefix + topic} cannot be written ({error}): "
                "run `sightline topics check`, which says whether it exists"
            ) from None
        future.add_callback(lambda _: self._done(len(value), None))
        future.add_errback(lambda error: self._done(len(value), error))
        return future

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until everything published is acknowledged; raises NotDelivered if anything was not."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting == 0, timeout_s)
            waiting, failed, first = self._waiting, self._failed, self._first_failure
            self._failed, self._first_failure = 0, None
        if failed:
            raise NotDelivered(f"{failed} events were not delivered; the first because: {first!r}")
        if waiting:
            raise NotDelivered(f"{waiting} events are not acknowledged after {timeout_s} s")

    def close(self) -> None:
        """Send what waits, for at most 30 s, and disconnect."""
        self._producer.close(timeout=SEND_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.flush()
        finally:
            self.close()

    def _take_room(self, size: int) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting_bytes + size <= BUFFER_BYTES, SEND_S):
                raise NotDelivered(f"{self._waiting} events wait for Kafka and none was taken for {SEND_S} s")
            self._waiting_bytes += size
            self._waiting += 1

    def _done(self, size: int, error: BaseException | None) -> None:
        with self._changed:
            self._waiting_bytes -= size
            self._waiting -= 1
            if error is not None:
                self._failed += 1
                self._first_failure = self._first_failure or error
            self._changed.notify_all()


def _on_the_wire(event: Interaction | Upload | ItemChange | PrivacyRequest) -> tuple[str, bytes, bytes]:
    """Topic, key and value; read as the agents will, so a publisher hears at once of what they would refuse."""
    topic, user_or_item = route(event)
    try:
        key, value = user_or_item.encode(), encode(event)
    except UnicodeEncodeError as error:
        raise InvalidEvent("bad_json", f"the event has a text that is not Unicode: {error}") from None
    record = Record(topic, 0, 0, 0, key, value)
    match event:
        case Interaction():
            parse_interaction(record)
        case Upload():
            parse_upload(record)
        case ItemChange():
            parse_item_change(record)
        case PrivacyRequest():
            parse_privacy_request(record)
    return topic, key, value


class RecommendationSubscriber:
    """Reads refreshed lists, newest only: a list older than one already given for its user is dropped.

    Without a group every instance reads every list from the end of the topic as it was at construction
    (or from the beginning); with a group the instances share the partitions and resume where they stopped.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        prefix: str = "",
        user_id: str | None = None,
        kind: Literal["feed", "similar"] | None = None,
        group: str | None = None,
        from_beginning: bool = False,
        security: KafkaSecurity = PLAINTEXT,
    ) -> None:
        self._user_id = user_id
        self._kind = kind
        self._latest = LatestLists(REMEMBERED_LISTS)
        self._decoder = msgspec.json.Decoder(Recommendations)
        self._closed = False
        self._joined: list[Recommendations] = []
        self.undecodable = 0
        with connecting(bootstrap, security):
            self._consumer: Any = KafkaConsumer(
                bootstrap_servers=bootstrap,
                group_id=group,
                auto_offset_reset="earliest" if from_beginning else "latest",
                enable_auto_commit=group is not None,
                allow_auto_create_topics=False,
                bootstrap_timeout_ms=CONNECT_MS,
                # A quiet partition must not hold up a busy one for the default of half a second.
                fetch_max_wait_ms=50,
                metrics_enabled=False,
                **security.python_options(),
            )
        try:
            with connecting(bootstrap, security):
                self._start(prefix + RECOMMENDATIONS.name, group, from_beginning)
        except BaseException:
            self.close()
            raise

    def poll(self, timeout_s: float) -> list[Recommendations]:
        """The lists that have arrived, waiting up to `timeout_s` for the first; never raises for a bad one."""
        deadline = time.monotonic() + timeout_s
        fresh, self._joined = self._joined, []
        while not fresh:
            left = deadline - time.monotonic()
            fresh = self._take(self._consumer.poll(timeout_ms=max(0, int(left * 1000))))
            if left <= 0:
                break
        return fresh

    def __iter__(self) -> Iterator[Recommendations]:
        while not self._closed:
            yield from self.poll(1.0)

    def close(self) -> None:
        """Disconnect; a group's position is committed first."""
        self._closed = True
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, topic: str, group: str | None, from_beginning: bool) -> None:
        partitions = self._consumer.partitions_for_topic(topic)
        if not partitions:
            raise BrokerUnavailable.no_topic(topic)
        if group is not None:
            self._consumer.subscribe([topic])
            self._join()
            return
        wanted = partitions
        if self._user_id is not None:
            wanted = {partition_of(self._user_id.encode(), len(partitions))}
        assigned = [TopicPartition(topic, partition) for partition in sorted(wanted)]
        self._consumer.assign(assigned)
        if from_beginning:
            self._consumer.seek_to_beginning(*assigned)
        else:
            self._consumer.seek_to_end(*assigned)
        self._resolve()

    def _join(self) -> None:
        """Wait for this member's partitions (none, if the group has more members than partitions)."""
        deadline = time.monotonic() + CONNECT_MS / 1000
        while not self._consumer.assignment() and time.monotonic() < deadline:
            self._joined += self._take(self._consumer.poll(timeout_ms=100))
        self._resolve()

    def _resolve(self) -> None:
        """Ask for the positions now: "the end" must mean the end at construction, not at the first poll."""
        for partition in self._consumer.assignment():
            self._consumer.position(partition)

    def _take(self, records: dict[Any, list[Any]]) -> list[Recommendations]:
        fresh = []
        for record in (record for batch in records.values() for record in batch):
            lists = self._decode(record.value)
            if lists is not None and self._wanted(lists) and self._latest.accept(lists):
                fresh.append(lists)
        return fresh

    def _decode(self, value: bytes | None) -> Recommendations | None:
        if value is None:
            return None
        try:
            return self._decoder.decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.undecodable += 1
            return None

    def _wanted(self, lists: Recommendations) -> bool:
        return (self._user_id is None or lists.user_id == self._user_id) and (
            self._kind is None or lists.kind == self._kind
        )


class LatestLists:
    """The newest `seq` of each user and kind, for the `limit` users heard of last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seq: OrderedDict[tuple[str, str], int] = OrderedDict()
        self.stale = 0

    def accept(self, lists: Recommendations) -> bool:
        """Whether this list is newer than all before it of its user and kind."""
        key = (lists.user_id, lists.kind)
        newest = self._seq.get(key, -1)
        if lists.seq <= newest:
            self.stale += 1
            return False
        self._seq[key] = lists.seq
        self._seq.move_to_end(key)
        if len(self._seq) > self._limit:
            self._seq.popitem(last=False)
        return True
