"""Publishes messages with confluent-kafka's producer, as awaitables (docs/adr/0004)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from threading import Thread
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable, PublishFailed
from streams.logs import log
from streams.wire.records import Message

_FULL_QUEUE_WAIT_S = 0.01
Delivered = Callable[[KafkaError | None, object], None]


class Publisher(Protocol):
    """Publishes the messages of the agents."""

    def publish(self, messages: Sequence[Message]) -> Awaitable[None]:
        """Send messages in order; the result is done once the broker has acknowledged all of them.

        It waits as long as the broker is away. Raises PublishFailed if the broker refuses a message for good.
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
                # Any other value adds about 3 ms, since librdkafka's timer is coarse.
                "linger.ms": 0,
                "queue.buffering.max.messages": 100_000,
                "log.connection.close": False,
                **security.librdkafka_options(),
            },
            logger=_RdkafkaLog(),
        )
        self._closing = False
        self._thread = Thread(target=self._poll, name="publisher", daemon=True)
        self._thread.start()

    def publish(self, messages: Sequence[Message]) -> Awaitable[None]:
        """See Publisher; the messages are queued in librdkafka when this returns, unless its queue is full."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        left = len(messages)
        failed: KafkaError | None = None
        if not messages:
            done.set_result(None)

        def delivered(error: KafkaError | None, _: object) -> None:
            nonlocal left, failed
            failed = failed or error
            left -= 1
            if left == 0:
                loop.call_soon_threadsafe(_settle, done, failed)

        for number, message in enumerate(messages):
            if not self._queue(message, delivered):
                return self._publish_rest(messages[number:], delivered, done)
        return done

    @property
    def undelivered(self) -> int:
        """The number of messages whose acknowledgement by the broker has not been processed yet."""
        return len(self._producer)

    async def warm_up(self, topics: Sequence[str], *, timeout_s: float = 30.0) -> None:
        """Connect and fetch the topics' leaders, so that the first message is not slow; raises BrokerUnavailable.

        It finds a missing topic at once; a message to that topic would be refused only after half a minute.
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
            raise PublishFailed(f"a message to {message.topic!r} cannot be sent: {error}") from error
        return True

    def _poll(self) -> None:
        while not self._closing:
            self._producer.poll(0.1)


class _RdkafkaLog:
    """Forwards librdkafka's log lines as information: it reconnects by itself, so none is an error of the process."""

    def log(self, level: int, message: str, *args: object) -> None:
        """Called by confluent-kafka in its poll thread."""
        log.info("kafka_client", level=level, message=message % args if args else message)


def _settle(done: "asyncio.Future[None]", failed: KafkaError | None) -> None:
    if done.cancelled():
        return
    if failed is None:
        done.set_result(None)
    else:
        done.set_exception(PublishFailed(f"the broker refused a message: {failed.str()}"))
