"""Events in: what apps publish with."""

import threading
from types import TracebackType
from typing import Any, Final, Self

from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types
from kafka.errors import KafkaError  # type: ignore[import-untyped]

from sightline_client.connection import CONNECT_MS, connecting
from sightline_client.errors import InvalidEvent, NotDelivered
from sightline_client.events import AppEvent, encode
from sightline_client.login import addresses_of
from sightline_client.parsing import check_size, decode, kind_of
from sightline_client.pseudonyms import pseudonymous
from sightline_client.routing import route
from sightline_client.security import PLAINTEXT, KafkaSecurity
from sightline_client.topics import MESSAGE_LIMIT

BUFFER_BYTES: Final = 32 << 20
METADATA_MS: Final = 5_000
SEND_S: Final = 30.0


class EventPublisher:
    """Publishes events in order per key; safe to share between threads, blocks when 32 MiB wait for Kafka.

    With a `pseudonym_key` no user's id leaves: its keyed hash stands in its place (`sightline_client.pseudonyms`).
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
                bootstrap_servers=addresses_of(bootstrap),
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
                bootstrap_timeout_ms=CONNECT_MS,
                max_block_ms=METADATA_MS,
                max_request_size=MESSAGE_LIMIT,
                delivery_timeout_ms=int(SEND_S * 1000),
                request_timeout_ms=10_000,
                metrics_enabled=False,
                **security.python_options(),
            )

    def publish(self, event: AppEvent) -> Any:
        """Send an event; returns kafka-python's future.

        Raises InvalidEvent for an event that the agents would refuse by its form, and TypeError for anything else.
        """
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


def _on_the_wire(event: AppEvent) -> tuple[str, bytes, bytes]:
    """Topic, key and value; read as the agents will, so a publisher hears at once of what they would refuse."""
    kind = kind_of(event)
    try:
        value = encode(event)
    except UnicodeEncodeError as error:
        raise InvalidEvent("bad_json", f"the event has a text that is not Unicode: {error}") from None
    check_size(value, kind)
    decode(value, kind)
    topic, user_or_item = route(event)
    return topic, user_or_item.encode(), value
