"""Publishes messages with confluent-kafka's producer, as awaitables (docs/adr/0004)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.kafka.publish_errors import MessagesRefused, refused_among
from streams.logs import log
from streams.wire.records import Message

_FULL_QUEUE_WAIT_S = 0.01
#: A topic that was created a moment ago may be unknown for this long; librdkafka's default is half a minute.
_TOPIC_UNKNOWN_MS = 5_000
_LOOK_FOR_S = 1.0
#: Called with Kafka's error, if any, and the message: confluent-kafka's or, where it was not even queued, our own.
Delivered = Callable[[KafkaError | None, Any], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the broker put a message; `at_ms` is the broker's time where the topic promises that, else ours."""

    partition: int
    offset: int
    at_ms: int


class Publisher(Protocol):
    """Publishes the messages of the agents."""

    def publish(self, messages: Sequence[Message]) -> Awaitable[None]:
        """Send messages in order; the result is done once the broker has acknowledged all of them.

        It waits as long as the broker is away. Raises PublishFailed if messages are refused; the others are sent.
        """
        ...


class NullPublisher:
    """A Publisher that publishes nothing."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """See Publisher; done at once."""


class KafkaPublisher:
    """A Publisher on librdkafka: idempotent, acknowledged by all replicas, without a timeout for messages.

    A message that timed out would leave a hole in an order on which readers rely. So publishing waits while the broker
    is away; the agent waits with it, and its events stay in their topic.
    """

    def __init__(self, bootstrap: str, *, client_id: str = "sightline", security: KafkaSecurity = PLAINTEXT) -> None:
        self._bootstrap = bootstrap
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "message.timeout.ms": 0,
                "message.max.bytes": 4 << 20,
                "topic.metadata.propagation.max.ms": _TOPIC_UNKNOWN_MS,
                # Any other value adds about 3 ms, since librdkafka's timer is coarse.
                "linger.ms": 0,
                "queue.buffering.max.messages": 100_000,
                "log.connection.close": False,
                **security.librdkafka_options(),
            },
            logger=_RdkafkaLog(),
        )
        self._closing = False
        #: Messages that could not be queued, with their error: the poll thread reports them as it does all others.
        self._not_queued: deque[tuple[Delivered, KafkaError, Message]] = deque()
        #: What ended the poll thread; nothing is acknowledged any more, so the process must end, too.
        self.failure: BaseException | None = None
        self._thread = Thread(target=self._poll, name="publisher", daemon=True)
        self._thread.start()

    def publish(self, messages: Sequence[Message]) -> Awaitable[None]:
        """See Publisher; the messages are queued in librdkafka when this returns, unless its queue is full."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        left = len(messages)
        refused: list[tuple[KafkaError, Any]] = []
        if not messages:
            done.set_result(None)

        def delivered(error: KafkaError | None, sent: Any) -> None:
            nonlocal left
            if error is not None:
                refused.append((error, sent))
            left -= 1
            if left == 0:
                loop.call_soon_threadsafe(_settle, done, messages, refused)

        for number, message in enumerate(messages):
            if not self._queue(message, delivered):
                return self._publish_rest(messages[number:], delivered, done)
        return done

    async def place(self, message: Message) -> Place:
        """Publish one message as `publish` does, and say where it lies; raises MessagesRefused."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Place] = loop.create_future()

        def delivered(error: KafkaError | None, sent: Any) -> None:
            loop.call_soon_threadsafe(_settle_place, done, message, error, sent)

        while not self._queue(message, delivered):  # noqa: ASYNC110 (as in _publish_rest)
            await asyncio.sleep(_FULL_QUEUE_WAIT_S)
        return await done

    @property
    def undelivered(self) -> int:
        """The number of messages whose acknowledgement by the broker has not been processed yet."""
        return len(self._producer)

    async def warm_up(self, topics: Sequence[str], *, timeout_s: float = 30.0) -> None:
        """Connect and fetch the topics' leaders, so that the first message is not slow; raises BrokerUnavailable.

        It finds a missing topic at once; a message to that topic would be refused only after some seconds.
        """
        for topic in topics:
            try:
                known = await asyncio.to_thread(self._producer.list_topics, topic, timeout_s)
            except KafkaException as error:
                raise BrokerUnavailable.no_answer(self._bootstrap, error) from error
            if known.topics[topic].error is not None:
                raise BrokerUnavailable.no_topic(topic)

    async def close(self, *, timeout_s: float = 10.0) -> None:
        """Deliver the queued messages for at most `timeout_s`, then stop."""
        left = await asyncio.to_thread(self._producer.flush, timeout_s)
        if left:
            log.warning("messages_undelivered", count=left)
        self._closing = True
        await asyncio.to_thread(self._thread.join)

    async def _publish_rest(
        self, messages: Sequence[Message], delivered: Delivered, done: "asyncio.Future[None]"
    ) -> None:
        for message in messages:
            while not self._queue(message, delivered):  # noqa: ASYNC110 (librdkafka does not say when there is room)
                await asyncio.sleep(_FULL_QUEUE_WAIT_S)
        await done

    def _queue(self, message: Message, delivered: Delivered) -> bool:
        try:
            self._producer.produce(
                message.topic,
                key=message.key,
                value=message.value,
                headers=list(message.headers),
                partition=-1 if message.partition is None else message.partition,
                on_delivery=delivered,
            )
        except BufferError:
            return False
        except KafkaException as error:
            self._not_queued.append((delivered, error.args[0], message))
        return True

    def _poll(self) -> None:
        try:
            while not self._closing:
                self._producer.poll(0.1)
                while self._not_queued:
                    delivered, error, message = self._not_queued.popleft()
                    if not self._not_queued:
                        self._look_for(message.topic)
                    delivered(error, message)
        except BaseException as error:  # noqa: BLE001 (whatever it is, nobody else would see it)
            self.failure = error

    def _look_for(self, topic: str) -> None:
        """Learn whether a topic exists by now: librdkafka asks again for one that was missing only after minutes."""
        with suppress(KafkaException):
            self._producer.list_topics(topic, _LOOK_FOR_S)


class _RdkafkaLog:
    """Forwards librdkafka's log lines as information: it reconnects by itself, so none is an error of the process."""

    def log(self, level: int, message: str, *args: object) -> None:
        """Called by confluent-kafka in its poll thread."""
        log.info("kafka_client", level=level, message=message % args if args else message)


def _settle_place(done: "asyncio.Future[Place]", message: Message, error: KafkaError | None, sent: Any) -> None:
    if done.cancelled():
        return
    if error is not None:
        done.set_exception(MessagesRefused([message], refused_among([message], [(error, sent)])))
    else:
        done.set_result(Place(sent.partition(), sent.offset(), sent.timestamp()[1]))


def _settle(done: "asyncio.Future[None]", messages: Sequence[Message], refused: list[tuple[KafkaError, Any]]) -> None:
    if done.cancelled():
        return
    if refused:
        done.set_exception(MessagesRefused(messages, refused_among(messages, refused)))
    else:
        done.set_result(None)
