"""The workers' producer, on real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from confluent_kafka import KafkaError
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # ships no types

from sightline_client.routing import partition_of
from streams.errors import BrokerUnavailable, InvalidEvent, PublishFailed
from streams.kafka.admin import create_topics
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publish_errors import MessagesRefused
from streams.kafka.publisher import KafkaPublisher
from streams.processing.dead_letter_publisher import DeadLetterPublisher
from streams.processing.dead_letters import dead_letter, read_letter
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from tests.conftest import RunningStack
from tests.harness.fakes import DEADLINE_S, until

pytestmark = pytest.mark.stack

PARTITIONS = 5
LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Written:
    """One record as Kafka holds it."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Broker:
    """One topic of the stack's Kafka, written by a publisher and read back."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.bootstrap, self.topic = bootstrap, topic
        self.publisher = KafkaPublisher(bootstrap)

    async def publish(self, *messages: Message) -> None:
        """Publish, or fail the test rather than hang."""
        async with asyncio.timeout(DEADLINE_S):
            await self.publisher.publish(messages)

    def read(self) -> list[Written]:
        """All that the topic holds, by partition in order."""
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, auto_offset_reset="earliest")
        parts = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        found: list[Written] = []
        while any(consumer.position(part) < end for part, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                found += [Written(r.partition, r.offset, r.key, r.value, list(r.headers)) for r in records]
        consumer.close()
        return sorted(found, key=lambda one: (one.partition, one.offset))


@pytest.fixture
async def broker(stack: RunningStack, topic_prefix: str) -> AsyncIterator[Broker]:
    made = Broker(stack.endpoints.kafka, f"{topic_prefix}out")
    admin = KafkaAdminClient(bootstrap_servers=made.bootstrap)
    admin.create_topics(
        {
            made.topic: {
                "num_partitions": PARTITIONS,
                "replication_factor": 1,
                "configs": {"max.message.bytes": str(LIMIT)},
            }
        },
        wait_for_metadata=True,
    )
    admin.close()
    yield made
    await made.publisher.close()


async def test_messages_keep_their_order_in_each_partition(broker: Broker) -> None:
    await broker.publish(*(Message(broker.topic, f"u{n % 7}".encode(), str(n).encode()) for n in range(700)))
    await broker.publish(*(Message(broker.topic, f"u{n % 7}".encode(), str(n).encode()) for n in range(700, 1400)))
    written = broker.read()
    assert len(written) == 1400
    for partition in range(PARTITIONS):
        values = [int(one.value or b"") for one in written if one.partition == partition]
        assert values == sorted(values)


async def test_a_key_has_the_partition_that_every_other_client_gives_it(broker: Broker) -> None:
    keys = [f"user-{n}é".encode() for n in range(60)]
    await broker.publish(*(Message(broker.topic, key, b"") for key in keys))
    assert {one.key: one.partition for one in broker.read()} == {key: partition_of(key, PARTITIONS) for key in keys}


async def test_an_explicit_partition_goes_before_the_key(broker: Broker) -> None:
    await broker.publish(*(Message(broker.topic, b"u1", b"", partition=n) for n in range(PARTITIONS)))
    assert [one.partition for one in broker.read()] == list(range(PARTITIONS))


async def test_a_tombstone_and_headers_arrive_as_they_are(broker: Broker) -> None:
    await broker.publish(Message(broker.topic, b"i1", None, (("traceparent", b"00-\xff"),), partition=0))
    assert broker.read() == [Written(0, 0, b"i1", None, [("traceparent", b"00-\xff")])]


async def test_a_message_without_a_key_arrives(broker: Broker) -> None:
    await broker.publish(Message(broker.topic, None, b"v"))
    assert [(one.key, one.value) for one in broker.read()] == [(None, b"v")]


async def test_the_place_of_a_message_is_where_it_lies_and_when_the_broker_took_it(broker: Broker) -> None:
    async with asyncio.timeout(DEADLINE_S):
        first = await broker.publisher.place(Message(broker.topic, b"u1", b"1"))
        second = await broker.publisher.place(Message(broker.topic, b"u1", b"2"))
    assert (first.partition, first.offset, second.offset) == (partition_of(b"u1", PARTITIONS), 0, 1)
    assert 0 <= second.at_ms - first.at_ms < DEADLINE_S * 1000


async def test_the_place_of_a_message_that_is_refused_is_an_error_that_says_why(broker: Broker) -> None:
    with pytest.raises(MessagesRefused, match=r"refuses a message of 1100000 bytes"):
        await broker.publisher.place(Message(broker.topic, b"u1", b"x" * 1_100_000))


async def test_publishing_nothing_returns_at_once(broker: Broker) -> None:
    await broker.publish()
    assert broker.read() == []


async def test_publish_returns_when_everything_is_on_the_broker(broker: Broker) -> None:
    await asyncio.gather(*(broker.publish(Message(broker.topic, b"k", str(n).encode())) for n in range(50)))
    assert len(broker.read()) == 50


async def test_a_message_that_the_broker_finds_too_large_is_a_clear_failure(broker: Broker) -> None:
    with pytest.raises(PublishFailed, match=r"refuses a message.*large.*max\.message\.bytes"):
        await broker.publish(Message(broker.topic, b"k", b"x" * (2 * LIMIT)))


async def test_a_message_over_the_producers_own_limit_is_a_clear_failure(broker: Broker) -> None:
    with pytest.raises(PublishFailed, match=rf"refuses a message of .* to '{broker.topic}'.*large"):
        await broker.publish(Message(broker.topic, b"k", b"x" * (5 << 20)))


async def test_a_partition_that_does_not_exist_is_a_clear_failure(broker: Broker) -> None:
    with pytest.raises(PublishFailed, match="partition"):
        await broker.publish(Message(broker.topic, b"k", b"v", partition=PARTITIONS + 3))


async def test_a_topic_that_does_not_exist_is_a_clear_failure(broker: Broker) -> None:
    with pytest.raises(PublishFailed, match="topic"):
        await broker.publish(Message(f"{broker.topic}-not", b"k", b"v"))


async def test_of_several_messages_those_are_named_that_were_refused(broker: Broker) -> None:
    """One that Kafka refuses, one that librdkafka does not even queue, one to a partition that is not there."""
    huge = [Message(broker.topic, b"k", b"x" * size, partition=0) for size in (2 * LIMIT, 5 << 20)]
    nowhere = Message(broker.topic, b"k", b"v", partition=PARTITIONS + 3)
    with pytest.raises(MessagesRefused) as failed:
        await broker.publish(Message(broker.topic, b"a", b"1", partition=1), *huge, nowhere)
    refused = {id(each.message): each.meaning.reason for each in failed.value.refused}
    assert refused == {
        id(huge[0]): "unpublishable_too_large",
        id(huge[1]): "unpublishable_too_large",
        id(nowhere): "unpublishable_no_partition",
    }
    assert [(one.key, one.value) for one in broker.read()] == [(b"a", b"1")]


async def test_the_workers_publisher_turns_what_is_refused_into_dead_letters_and_serves_all_else(
    broker: Broker, topic_prefix: str
) -> None:
    create_topics(broker.bootstrap, Namespace(topic_prefix), 2, 1)
    publisher = DeadLetterPublisher(broker.publisher, namespace=Namespace(topic_prefix))
    messages = [Message(broker.topic, f"u{n}".encode(), b"v") for n in range(50)]
    async with asyncio.timeout(DEADLINE_S):
        await publisher.publish([*messages[:25], Message(broker.topic, b"m", b"x" * (5 << 19)), *messages[25:]])
    assert {one.key for one in broker.read()} == {message.key for message in messages}
    reader = KafkaLogReader(broker.bootstrap)
    name = f"{topic_prefix}dead-letters"
    letters = [one for number in (0, 1) for one in reader.read(name, number, 0, reader.extent(name, number).end)]
    reader.close()
    (letter,) = map(read_letter, (one.value for one in letters))
    assert letter is not None
    assert (letter.reason, letter.topic, letter.key) == ("unpublishable_too_large", broker.topic, b"m")


async def test_a_topic_that_is_deleted_makes_its_messages_wait_until_it_is_there_again(
    broker: Broker, topic_prefix: str
) -> None:
    publisher = DeadLetterPublisher(broker.publisher, namespace=Namespace(topic_prefix))
    await publisher.publish([Message(broker.topic, b"k", b"before")])
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.delete_topics([broker.topic])
    waiting = asyncio.ensure_future(publisher.publish([Message(broker.topic, b"k", b"v")]))
    await until(lambda: any("run `sightline topics create`" in problem for problem in publisher.problems))
    admin.create_topics({broker.topic: {"num_partitions": PARTITIONS, "replication_factor": 1}})
    admin.close()
    await asyncio.wait_for(waiting, DEADLINE_S)
    assert [one.value for one in broker.read()] == [b"v"]


async def test_after_a_refused_message_others_are_published(broker: Broker) -> None:
    with pytest.raises(PublishFailed):
        await broker.publish(Message(broker.topic, b"k", b"x" * (2 * LIMIT), partition=0))
    await broker.publish(Message(broker.topic, b"k", b"v", partition=0))
    assert [one.value for one in broker.read()] == [b"v"]


async def test_the_largest_event_fits_into_a_dead_letter(
    stack: RunningStack, broker: Broker, topic_prefix: str
) -> None:
    create_topics(broker.bootstrap, Namespace(topic_prefix), 2, 1)
    room = (2 << 20) - 200
    for key, value in ((b"k", b"\xff" * room), (b"k" * room, b""), (b"k" * (room // 2), b"v" * (room // 2))):
        record = Record(f"{topic_prefix}events.uploads", 0, 0, 0, key, value)
        await broker.publish(
            dead_letter(record, InvalidEvent("too_large", "x" * 9_000), namespace=Namespace(topic_prefix))
        )


async def test_warming_up_needs_a_broker(broker: Broker) -> None:
    await broker.publisher.warm_up([broker.topic])
    alone = KafkaPublisher("127.0.0.1:1")
    with pytest.raises(BrokerUnavailable, match=r"no Kafka answers at 127\.0\.0\.1:1"):
        await alone.warm_up([broker.topic], timeout_s=0.5)
    await alone.close(timeout_s=0.1)


async def test_warming_up_needs_its_topics(broker: Broker) -> None:
    with pytest.raises(BrokerUnavailable, match=r"-not' does not exist: run `sightline topics create`"):
        await broker.publisher.warm_up([broker.topic, f"{broker.topic}-not"])


async def test_close_delivers_what_is_queued(broker: Broker) -> None:
    leaving = KafkaPublisher(broker.bootstrap)
    sending = asyncio.ensure_future(leaving.publish([Message(broker.topic, b"k", str(n).encode()) for n in range(500)]))
    await asyncio.sleep(0)
    await leaving.close()
    await asyncio.wait_for(sending, DEADLINE_S)
    assert len(broker.read()) == 500


async def test_a_publisher_that_nobody_waits_for_any_more_delivers_all_the_same(broker: Broker) -> None:
    sending = asyncio.ensure_future(broker.publisher.publish([Message(broker.topic, b"k", b"v")]))
    await asyncio.sleep(0)
    sending.cancel()
    await broker.publish(Message(broker.topic, b"k", b"w"))
    assert [one.value for one in broker.read()] == [b"v", b"w"]


async def test_without_a_broker_publishing_waits_and_closing_does_not() -> None:
    alone = KafkaPublisher("127.0.0.1:1")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(alone.publish([Message("t", b"k", b"v")]), 1.0)
    await asyncio.wait_for(alone.close(timeout_s=0.2), DEADLINE_S)


async def test_a_poll_thread_that_ends_is_a_failure_of_the_process() -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    alone = KafkaPublisher("127.0.0.1:1")
    assert alone.failure is None
    alone._not_queued.append((fail, KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), Message("t", None, None)))
    await until(lambda: isinstance(alone.failure, ZeroDivisionError))
    await alone.close(timeout_s=0.1)
