"""The catalogue's replica, on real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from prometheus_client import REGISTRY

from features.item import Item
from inference.catalog.catalog import Catalog, CatalogCounts
from inference.catalog.snapshot import find_snapshot
from state.codec import encode_item
from streams.catalog.replica import CatalogReplica
from streams.catalog.snapshots import Snapshots
from streams.errors import BrokerUnavailable
from streams.kafka.admin import create_topics, read_log
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.wire.namespace import Namespace
from streams.wire.records import Message
from tests.conftest import RunningStack
from tests.harness.fakes import NOON, until

PARTITIONS = 3
DIMENSIONS = 8


def item(name: str, encoder: str = "fake@1", **fields: object) -> Item:
    vector = np.random.default_rng(sum(name.encode())).normal(size=DIMENSIONS)
    known: dict[str, object] = {
        "uploaded_at_ms": NOON,
        "embeddings": {encoder: (vector / np.linalg.norm(vector)).astype("<f2").tobytes()},
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
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), PARTITIONS, 1)
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
async def test_a_missing_topic_is_an_error_that_says_what_to_do(
    stack: RunningStack, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.following.TIMEOUT_MS", 2000)
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


# Snapshots


def snapshots(folder: Path) -> Snapshots:
    return Snapshots(folder, 15)


async def started(topic: Topic, bootstrap: str, folder: Path) -> tuple[Catalog, Snapshots, CatalogReplica]:
    """A new worker's replica, caught up."""
    catalog, used = Catalog(DIMENSIONS), snapshots(folder)
    replica = CatalogReplica(bootstrap, topic.name, catalog, snapshots=used)
    await replica.start()
    return catalog, used, replica


def looks(catalog: Catalog) -> dict[str, tuple[bool, str | None, bytes]]:
    """All that is known of each item."""
    return {
        name: (
            bool(catalog.available[row]),
            catalog.category_names[catalog.categories[row]] if catalog.categories[row] >= 0 else None,
            catalog.pictures.vectors(np.array([row])).tobytes(),
        )
        for name in catalog.item_ids
        if (row := catalog.row_of(name)) is not None
    }


def nearest(catalog: Catalog, name: str) -> list[float]:
    """How near the nearest items are: several have the same vector, and their order is open."""
    _, similarities = catalog.pictures.search(item(name).vector("fake@1")[None], 20)
    return [round(each, 3) for each in similarities[0].tolist()]


@pytest.mark.stack
async def test_a_worker_started_from_a_snapshot_knows_what_one_does_that_read_everything(
    topic: Topic, stack: RunningStack, tmp_path: Path
) -> None:
    await topic.put(*(item(f"i{n}", category=f"c{n % 3}") for n in range(40)))
    _, _, first = await started(topic, stack.endpoints.kafka, tmp_path)
    await first.stop()
    await topic.put(item("i1", in_stock=False), item("i2", category="sale"), item("i50"), item("i3"))
    await topic.write(b"i4", None)
    await topic.put(replace(item("i5"), embeddings=item("i99").embeddings))

    catalog, used, second = await started(topic, stack.endpoints.kafka, tmp_path)
    await topic.replica.start()
    assert looks(catalog) == looks(topic.catalog)
    assert used.changes == 6
    for name in ("i1", "i5", "i99", "i30"):
        assert nearest(catalog, name) == nearest(topic.catalog, name)
    await second.stop()


def is_empty(topic: Topic, bootstrap: str) -> bool:
    with closing(KafkaLogReader(bootstrap)) as log:
        try:
            return all(log.extent(topic.name, partition).end == 0 for partition in range(PARTITIONS))
        except BrokerUnavailable:
            return False


@pytest.mark.stack
async def test_a_snapshot_reaches_behind_the_markers_of_transactions(
    topic: Topic, stack: RunningStack, tmp_path: Path
) -> None:
    def write() -> None:
        producer = Producer({"bootstrap.servers": stack.endpoints.kafka, "transactional.id": topic.name})
        producer.init_transactions(30)
        for name, end in (("kept", producer.commit_transaction), ("taken-back", producer.abort_transaction)):
            producer.begin_transaction()
            for partition in range(PARTITIONS):
                producer.produce(topic.name, encode_item(item(name)), name, partition=partition)
            producer.flush(30)
            end(30)

    await asyncio.to_thread(write)
    catalog, _, replica = await started(topic, stack.endpoints.kafka, tmp_path)
    await topic.put(item("later"))
    await until(lambda: catalog.row_of("later") is not None)
    await replica.stop()
    assert set(looks(catalog)) == {"kept", "later"}
    assert REGISTRY.get_sample_value("sightline_catalog_lag_records") == 0
    found = find_snapshot(tmp_path)
    assert found is not None
    ends = {p: extent.end for p, extent in read_log(stack.endpoints.kafka, topic.name).extents.items()}
    assert found.manifest.origin.offsets == ends
    assert sum(ends.values()) == 4 * PARTITIONS + 1


@pytest.mark.stack
async def test_a_snapshot_of_a_topic_that_was_made_anew_is_not_used(
    topic: Topic, stack: RunningStack, tmp_path: Path
) -> None:
    await topic.put(*(item(f"i{n}") for n in range(5)))
    _, _, first = await started(topic, stack.endpoints.kafka, tmp_path)
    await first.stop()
    admin = AdminClient({"bootstrap.servers": stack.endpoints.kafka})
    for done in admin.delete_topics([topic.name]).values():
        await asyncio.wrap_future(done)
    await until(lambda: topic.name not in admin.list_topics(timeout=10).topics)
    create_topics(stack.endpoints.kafka, Namespace(topic.name.removesuffix("state.catalog")), PARTITIONS, 1)
    # Until the broker has let go of the old logs, what is put may still be added to one of them, and be gone with it.
    await until(lambda: is_empty(topic, stack.endpoints.kafka))
    await topic.put(*(item(f"j{n}") for n in range(9)))

    catalog, _, second = await started(topic, stack.endpoints.kafka, tmp_path)
    assert set(looks(catalog)) == {f"j{n}" for n in range(9)}
    await second.stop()


@pytest.mark.stack
async def test_a_running_replica_writes_snapshots_and_goes_on_reading(
    topic: Topic, stack: RunningStack, tmp_path: Path
) -> None:
    await topic.put(item("i1"))
    catalog = Catalog(DIMENSIONS)
    often = Snapshots(tmp_path, 0.0001)
    replica = CatalogReplica(stack.endpoints.kafka, topic.name, catalog, snapshots=often)
    await replica.start()
    await until(lambda: find_snapshot(tmp_path) is not None)
    await topic.put(item("i2"))
    await until(lambda: catalog.row_of("i2") is not None)
    await replica.stop()
    assert replica.failure is None


# Encoders


@pytest.mark.stack
async def test_items_that_were_left_over_by_a_re_embedding_do_not_hide_the_others(topic: Topic) -> None:
    await topic.put(*(item(f"i{n}", encoder="fake@1") for n in range(20)))
    await topic.put(*(item(f"i{n}", encoder="fake@2") for n in range(3, 20)))
    await topic.replica.start()
    assert (topic.catalog.pictures.encoder, topic.catalog.counts()) == ("fake@2", CatalogCounts(17, 0, 3, 3))
    row = topic.catalog.row_of("i1")
    assert row is not None
    assert not topic.catalog.pictures.has(np.array([row]))[0]


@pytest.mark.stack
async def test_the_encoder_of_most_items_is_served_after_a_snapshot_of_another(
    topic: Topic, stack: RunningStack, tmp_path: Path
) -> None:
    await topic.put(*(item(f"i{n}", encoder="fake@1") for n in range(20)))
    _, _, first = await started(topic, stack.endpoints.kafka, tmp_path)
    await first.stop()
    await topic.put(*(item(f"i{n}", encoder="fake@2") for n in range(3, 20)))
    catalog, _, second = await started(topic, stack.endpoints.kafka, tmp_path)
    assert (catalog.pictures.encoder, catalog.counts()) == ("fake@2", CatalogCounts(17, 0, 3, 3))
    await second.stop()


@pytest.mark.stack
async def test_a_catalogue_that_was_told_its_encoder_keeps_to_it(topic: Topic, stack: RunningStack) -> None:
    await topic.put(*(item(f"i{n}", encoder=f"fake@{1 if n < 15 else 2}") for n in range(20)))
    catalog = Catalog(DIMENSIONS, encoder="fake@2")
    replica = CatalogReplica(stack.endpoints.kafka, topic.name, catalog)
    await replica.start()
    assert catalog.counts() == CatalogCounts(5, 0, 15, 15)
    await replica.stop()


@pytest.mark.stack
async def test_what_expires_leaves_the_catalogue_and_its_gauges_by_itself(topic: Topic) -> None:
    soon_ms = time.time_ns() // 1_000_000 + 3000
    await topic.put(item("i1", expires_at_ms=soon_ms), item("i2"), item("i3", expires_at_ms=NOON))
    await topic.replica.start()
    assert topic.catalog.counts() == CatalogCounts(searchable=2, unavailable=1, other_encoder=0)

    await until(lambda: REGISTRY.get_sample_value("sightline_catalog_items", {"state": "unavailable"}) == 2)
    assert (topic.catalog.counts().searchable, topic.catalog.pictures.indexed) == (1, 1)
