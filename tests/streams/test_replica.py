"""The catalogue's replica, on real Kafka."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
from prometheus_client import REGISTRY

from features.item import Item
from inference.catalog import Catalog
from state.codec import encode_item
from streams.admin import create_topics
from streams.errors import BrokerUnavailable
from streams.output import KafkaPublisher, Message
from streams.replica import CatalogReplica
from tests.conftest import RunningStack
from tests.fakes import NOON, until

PARTITIONS = 3
DIMENSIONS = 8


def item(name: str, **fields: object) -> Item:
    vector = np.random.default_rng(sum(name.encode())).normal(size=DIMENSIONS)
    known: dict[str, object] = {
        "uploaded_at_ms": NOON,
        "embedding": (vector / np.linalg.norm(vector)).astype("<f2").tobytes(),
        "encoder": "fake@1",
    }
    return Item(name, NOON, **(known | fields))  # type: ignore[arg-type]  # a test's own fields


class Topic:
    """The catalogue's topic of one test, and a replica of it."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self.name = name
        self.publisher = KafkaPublisher(bootstrap)
        self.catalog = Catalog(DIMENSIONS)
        self.replica = CatalogReplica(bootstrap, name, self.catalog)

    async def put(self, *items: Item) -> None:
        await self.publisher.publish([Message(self.name, i.item_id.encode(), encode_item(i)) for i in items])

    async def write(self, key: bytes | None, value: bytes | None) -> None:
        await self.publisher.publish([Message(self.name, key, value)])


@pytest.fixture
async def topic(stack: RunningStack, topic_prefix: str) -> AsyncIterator[Topic]:
    create_topics(stack.endpoints.kafka, topic_prefix, PARTITIONS, 1)
    made = Topic(stack.endpoints.kafka, f"{topic_prefix}state.catalog")
    yield made
    if made.replica.caught_up:
        await made.replica.stop()
    await made.publisher.close()


@pytest.mark.stack
async def test_a_started_replica_has_everything_that_the_topic_held(topic: Topic) -> None:
    await topic.put(*(item(f"i{n}") for n in range(300)))
    await topic.replica.start()
    assert topic.catalog.counts().searchable == 300


@pytest.mark.stack
async def test_an_empty_topic_is_caught_up_with_at_once(topic: Topic) -> None:
    await topic.replica.start()
    assert (topic.replica.caught_up, topic.catalog.counts().searchable) == (True, 0)


@pytest.mark.stack
async def test_what_is_written_later_is_followed(topic: Topic) -> None:
    await topic.replica.start()
    await topic.put(item("i1"))
    await until(lambda: topic.catalog.row_of("i1") is not None)


@pytest.mark.stack
async def test_of_several_records_of_an_item_the_last_counts(topic: Topic) -> None:
    await topic.put(item("i1", category="shoes"), item("i1", category="shirts", in_stock=False))
    await topic.replica.start()
    row = topic.catalog.row_of("i1")
    assert row is not None
    assert (topic.catalog.category_names[topic.catalog.categories[row]], topic.catalog.available[row]) == (
        "shirts",
        False,
    )


@pytest.mark.stack
async def test_a_tombstone_takes_an_item_out(topic: Topic) -> None:
    await topic.put(item("i1"), item("i2"))
    await topic.replica.start()
    await topic.write(b"i1", None)
    await until(lambda: topic.catalog.row_of("i1") is None)
    assert topic.catalog.row_of("i2") is not None


@pytest.mark.stack
async def test_an_unreadable_record_is_passed_over(topic: Topic) -> None:
    await topic.write(b"i0", b"not an item")
    await topic.write(b"i0", b"\xff\xfe")
    await topic.write(b"\xff", encode_item(item("i9")))
    await topic.put(item("i1"))
    await topic.replica.start()
    assert topic.catalog.counts().searchable == 1
    assert topic.replica.failure is None


@pytest.mark.stack
async def test_the_time_until_an_upload_is_searchable_is_observed_for_new_ones_only(topic: Topic) -> None:
    def observed() -> float:
        return REGISTRY.get_sample_value("sightline_upload_to_searchable_seconds_count") or 0.0

    await topic.put(item("old"))
    before = observed()
    await topic.replica.start()
    assert observed() == before
    await topic.put(item("new"))
    await until(lambda: observed() == before + 1)
    await topic.put(item("new", price=5.0), item("last"))
    await until(lambda: topic.catalog.row_of("last") is not None)
    assert observed() == before + 2


@pytest.mark.stack
async def test_a_stopped_replica_keeps_what_it_has(topic: Topic) -> None:
    await topic.put(item("i1"))
    await topic.replica.start()
    await topic.replica.stop()
    assert topic.catalog.counts().searchable == 1
    assert topic.replica.failure is None


@pytest.mark.stack
async def test_a_missing_topic_is_an_error_that_says_what_to_do(stack: RunningStack, topic_prefix: str) -> None:
    replica = CatalogReplica(stack.endpoints.kafka, f"{topic_prefix}state.catalog", Catalog(DIMENSIONS))
    with pytest.raises(BrokerUnavailable, match=r"state\.catalog' does not exist: run `sightline topics create`"):
        await replica.start()


async def test_without_kafka_the_error_says_what_to_do() -> None:
    with pytest.raises(BrokerUnavailable, match=r"no Kafka answers at 127\.0\.0\.1:1 .*`sightline up`"):
        await CatalogReplica("127.0.0.1:1", "state.catalog", Catalog(DIMENSIONS)).start()


class Broken(Catalog):
    """A catalogue with a bug."""

    def apply(self, changes: object) -> None:
        raise ZeroDivisionError("a bug")


@pytest.mark.stack
async def test_a_bug_in_the_background_is_a_failure_and_not_a_silent_end(topic: Topic, stack: RunningStack) -> None:
    replica = CatalogReplica(stack.endpoints.kafka, topic.name, Broken(DIMENSIONS))
    await replica.start()
    await topic.put(item("i1"))
    await until(lambda: replica.failure is not None)
    assert isinstance(replica.failure, ZeroDivisionError)
    await replica.stop()
