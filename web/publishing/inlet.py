"""How events leave a request for Kafka: acknowledged, or queued with a promise, and no more than there is room for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol, TypeVar

from sightline_client.errors import InvalidEvent
from sightline_client.events import AppEvent
from sightline_client.parsing import check_size, kind_of
from sightline_client.pseudonyms import pseudonym, pseudonymous
from sightline_client.routing import route
from streams.errors import PublishFailed
from streams.kafka.publisher import Place, Publisher
from streams.logs import Seldom, log
from streams.processing.dead_letter_publisher import DeadLetterPublisher
from streams.wire.cloud_events import TRACE_LIMIT, written
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from web.problems import Problem

T = TypeVar("T")
#: Seconds in which Kafka takes an event, or the request is answered that it does not.
ANSWER_S: Final = 5.0
#: Bytes of events that wait for Kafka at most.
WAITING_BYTES: Final = 32 << 20
#: What a message takes besides its key and value.
_OVERHEAD: Final = 200
_AGAIN_S: Final = 2


class PlacingPublisher(Publisher, Protocol):
    """A Publisher that says where a message lies."""

    def place(self, message: Message) -> Awaitable[Place]:
        """Publish one message as `publish` does; raises PublishFailed."""
        ...


class Inlet:
    """Publishes the events of requests. Its methods raise Problem: 429 where too much waits, 503 where Kafka is away.

    After a 503 the events may still arrive: they stay queued. To send them again with the same ids is safe.
    With a `pseudonym_key` no user's id leaves: its keyed hash stands in its place (`sightline_client.pseudonyms`).
    """

    def __init__(
        self,
        publisher: PlacingPublisher,
        namespace: Namespace,
        *,
        pseudonym_key: bytes | None = None,
        waiting_bytes: int = WAITING_BYTES,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._publisher = publisher
        #: Waits for Kafka, and for an operator, without limit: nobody else does for what was accepted.
        self._patient = DeadLetterPublisher(publisher, namespace=namespace)
        self._namespace = namespace
        self._pseudonym_key = pseudonym_key
        self._most_bytes, self._answer_s = waiting_bytes, answer_s
        self._seldom = Seldom(10.0)
        self._sent: set[asyncio.Future[Any]] = set()
        #: Bytes of what Kafka has not acknowledged yet.
        self.waiting_bytes = 0

    def known_as(self, user_id: str) -> str:
        """The id of a user in Kafka and Redis."""
        return user_id if self._pseudonym_key is None else pseudonym(self._pseudonym_key, user_id)

    async def publish(self, events: Sequence[AppEvent], *, later: bool = False, trace: str | None = None) -> None:
        """Publish events in order; done when Kafka has them, or, for `later`, when they are queued.

        What is queued is sent until Kafka takes it, also while the process ends (`close`); only a process that is
        killed, or ends while Kafka is away for longer, loses it. What Kafka refuses for good is a dead letter then.
        `trace` is the `traceparent` of events that have none.
        """
        messages = [self._message(event, trace) for event in events]
        publisher: Publisher = self._patient if later else self._publisher
        sent = self._send(messages, lambda: publisher.publish(messages))
        if not later:
            await self._answer(sent, events)

    async def place(self, event: AppEvent, *, trace: str | None = None) -> Place:
        """Publish one event, and say where Kafka put it."""
        message = self._message(event, trace)
        return await self._answer(self._send([message], lambda: self._publisher.place(message)), [event])

    async def close(self, timeout_s: float) -> None:
        """Wait until Kafka has everything that was queued, for at most `timeout_s`; the publisher is closed then."""
        if self._sent:
            await asyncio.wait(self._sent, timeout=timeout_s)
        if self._sent:
            log.warning("events_undelivered", requests=len(self._sent), bytes=self.waiting_bytes)

    def _message(self, event: AppEvent, trace: str | None) -> Message:
        if self._pseudonym_key is not None:
            event = pseudonymous(self._pseudonym_key, event)
        value, headers = written(event)
        try:
            check_size(value, kind_of(event))
        except InvalidEvent as error:
            raise Problem(413, "The event is too large", str(error), reason=error.reason) from None
        topic, key = route(event)
        if trace is not None and len(trace) <= TRACE_LIMIT and all(name != "traceparent" for name, _ in headers):
            headers = (("traceparent", trace.encode()), *headers)
        return Message(self._namespace.named(topic), key.encode(), value, headers)

    def _send(self, messages: Sequence[Message], publish: Callable[[], Awaitable[T]]) -> "asyncio.Future[T]":
        size = sum(len(each.value or b"") + len(each.key or b"") + _OVERHEAD for each in messages)
        if self.waiting_bytes + size > self._most_bytes:
            raise Problem(
                429,
                "Too many events wait for Kafka",
                f"{self.waiting_bytes:,} bytes wait, of {self._most_bytes:,} at most: send these {size:,} bytes later",
                headers={"Retry-After": str(_AGAIN_S)},
            )
        self.waiting_bytes += size
        sent = asyncio.ensure_future(publish())
        self._sent.add(sent)
        sent.add_done_callback(lambda done: self._settled(done, size))
        return sent

    def _settled(self, sent: "asyncio.Future[T]", size: int) -> None:
        self.waiting_bytes -= size
        self._sent.discard(sent)
        if not sent.cancelled() and (error := sent.exception()) is not None:
            left_out = self._seldom.left_out(type(error).__name__)
            if left_out is not None:
                log.error("events_refused", error=str(error), left_out=left_out)

    async def _answer(self, sent: "asyncio.Future[T]", events: Sequence[AppEvent]) -> T:
        """What Kafka says, within the time for an answer; a client that is gone does not take its events back."""
        ids = [event.event_id for event in events]
        try:
            return await asyncio.wait_for(asyncio.shield(sent), self._answer_s)
        except TimeoutError:
            why = f"it did not take the events within {self._answer_s:g} s; they wait, and may still arrive"
        except PublishFailed as error:
            why = str(error)
        raise Problem(
            503,
            "Kafka does not take the events",
            f"{why}. To send them again with the same event_id is safe: one that arrived twice counts once",
            headers={"Retry-After": str(_AGAIN_S)},
            event_ids=ids,
        )
