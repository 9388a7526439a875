"""The tail of topics, on real Kafka."""

from collections.abc import AsyncIterator, Sequence

import pytest
from confluent_kafka.admin import AdminClient

from streams.errors import BrokerUnavailable
from streams.kafka.admin import create_topics
from streams.kafka.publisher import KafkaPublisher
from streams.processing.topic_tail import Followed, TopicTail
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from tests.conftest import RunningStack
from tests.harness.fakes import until

pytestmark = pytest.mark.stack


class Topics:
    """The topics of one test, and what a tail read of two of them."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.lists, self.letters = f"{prefix}recommendations", f"{prefix}dead-letters"
        self.read: list[tuple[str, int, bytes]] = []
        self._bootstrap, self._prefix = bootstrap, prefix
        self._publisher = KafkaPublisher(bootstrap)
        self._tails: list[TopicTail] = []

    def create(self) -> None:
        create_topics(self._bootstrap, Namespace(self._prefix), 2, 1)

    async def make_anew(self, topic: str) -> None:
        admin = AdminClient({"bootstrap.servers": self._bootstrap})
        admin.delete_topics([topic])[topic].result()
        await until(lambda: topic not in admin.list_topics().topics)
        self.create()

    async def put(self, topic: str, partition: int, *values: str) -> None:
        messages = [Message(topic, b"key", value.encode(), partition=partition) for value in values]
        await self._publisher.publish(messages)

    async def follow(self, *, lists: Followed | None = None, back_s: float = 60.0, most: int = 1000) -> TopicTail:
        each = Followed(self._take, back_s, most)
        tail = TopicTail(self._bootstrap, {self.lists: lists or each, self.letters: each}, timeout_ms=2000)
        self._tails.append(tail)
        await tail.start()
        return tail

    async def close(self) -> None:
        for tail in self._tails:
            await tail.stop()
        await self._publisher.close()

    def values(self, topic: str, partition: int) -> list[str]:
        return [value.decode() for name, number, value in self.read if (name, number) == (topic, partition)]

    def _take(self, records: Sequence[Record]) -> None:
        self.read += [(record.topic, record.partition, record.value or b"") for record in records]


@pytest.fixture
async def topics(stack: RunningStack, topic_prefix: str) -> AsyncIterator[Topics]:
    made = Topics(stack.endpoints.kafka, topic_prefix)
    yield made
    await made.close()


async def test_what_lies_there_for_a_while_is_read_then_what_comes(topics: Topics) -> None:
    topics.create()
    await topics.put(topics.lists, 0, "a", "b")
    await topics.put(topics.lists, 1, "c")
    await topics.follow()
    await until(lambda: len(topics.read) == 3)
    await topics.put(topics.letters, 1, "d")
    await topics.put(topics.lists, 0, "e")
    await until(lambda: len(topics.read) == 5)
    assert topics.values(topics.lists, 0) == ["a", "b", "e"]
    assert (topics.values(topics.lists, 1), topics.values(topics.letters, 1)) == (["c"], ["d"])


async def test_no_more_than_the_last_ones_of_a_partition_are_read(topics: Topics) -> None:
    topics.create()
    await topics.put(topics.lists, 0, *map(str, range(10)))
    await topics.follow(most=3)
    await until(lambda: topics.values(topics.lists, 0) == ["7", "8", "9"])


async def test_what_is_older_is_left_out(topics: Topics) -> None:
    topics.create()
    await topics.put(topics.lists, 0, "old")
    await topics.follow(back_s=0.0)
    await topics.put(topics.lists, 0, "new")
    await until(lambda: topics.values(topics.lists, 0) == ["new"])


async def test_a_reader_that_fails_ends_the_tail(topics: Topics) -> None:
    def fail(_: Sequence[Record]) -> None:
        raise ZeroDivisionError

    topics.create()
    await topics.put(topics.lists, 0, "a")
    tail = await topics.follow(lists=Followed(fail, 60.0))
    await until(lambda: isinstance(tail.failure, ZeroDivisionError))


async def test_a_missing_topic_is_an_error_that_says_what_to_do(topics: Topics) -> None:
    with pytest.raises(BrokerUnavailable, match="topics create"):
        await topics.follow()


async def test_a_topic_that_is_made_anew_is_read_from_its_begin(topics: Topics) -> None:
    topics.create()
    await topics.put(topics.lists, 0, "a", "b", "c")
    await topics.follow()
    await until(lambda: topics.values(topics.lists, 0) == ["a", "b", "c"])
    await topics.make_anew(topics.lists)
    await topics.put(topics.lists, 0, "d")
    await topics.put(topics.letters, 0, "e")
    await until(lambda: topics.values(topics.letters, 0) == ["e"])
    await until(lambda: topics.values(topics.lists, 0) == ["a", "b", "c", "d"])
