"""A topic that does not continue the state, as Kafka can come to have it."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from faust.types import TP
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition  # type: ignore[import-untyped]  # ships no types

import streams.wire.topics
from state.memory import MemoryPartitions
from state.partitions import START, Commit
from streams.errors import BrokerUnavailable, LogMismatch
from streams.kafka.admin import read_log
from streams.kafka.continuity import Log, check_count, check_log, skip_lost
from streams.kafka.faust_app import add_agent, make_app
from streams.kafka.log_reader import Extent
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from tests.conftest import RunningStack
from tests.harness.fakes import until

TOPIC = "events.interactions"


def log(first: int, end: int, *, topic_id: str = "a") -> Log:
    return Log(TOPIC, topic_id, {3: Extent(first, end)})


async def state(position: int, *, made_from: str | None = None) -> MemoryPartitions:
    """A store with partition 3 at a position."""
    store = MemoryPartitions()
    writes = {} if made_from is None else {"topic": made_from.encode()}
    await store.commit([Commit(3, START, position, writes)])
    return store


@pytest.mark.parametrize(
    ("position", "first", "end"),
    [(START, 0, 0), (START, 0, 9), (START, 5, 9), (0, 0, 1), (4, 0, 5), (4, 5, 5), (4, 5, 9), (4, 0, 9)],
    ids=["nothing yet", "all to come", "late to an old log", "one", "the end", "emptied", "up to the cut", "amid"],
)
async def test_a_log_that_continues_the_state_is_taken(position: int, first: int, end: int) -> None:
    store = await state(position)
    await check_log(log(first, end), store, [3])

    assert await store.positions([3]) == {3: position}


@pytest.mark.parametrize(("position", "end"), [(0, 0), (5, 5), (99, 5)])
async def test_a_log_that_ends_before_the_position_is_refused(position: int, end: int) -> None:
    with pytest.raises(LogMismatch) as caught:
        await check_log(log(0, end), await state(position), [3])

    assert str(caught.value) == (
        f"events.interactions[3] ends before offset {end}, but the state holds the effect of offset {position}: "
        "the topic was made anew or lost its end. Make the state anew with `sightline rebuild`"
    )


@pytest.mark.parametrize(("first", "lost"), [(6, 1), (60, 55)])
async def test_a_log_whose_next_records_were_taken_by_retention_is_refused(first: int, lost: int) -> None:
    with pytest.raises(LogMismatch) as caught:
        await check_log(log(first, 99), await state(4), [3])

    assert str(caught.value) == (
        f"events.interactions[3] begins at offset {first}, but the state only holds the effect of offset 4: retention "
        f"took up to {lost} events that were never applied. Go on without them with `sightline positions skip-lost`"
    )


async def test_a_partition_that_is_gone_is_refused() -> None:
    with pytest.raises(LogMismatch, match="ends before offset 0"):
        await check_log(Log(TOPIC, "a", {}), await state(4), [3])


async def test_a_topic_made_anew_is_refused_however_long_it_is() -> None:
    store = await state(4)
    await check_log(log(0, 9, topic_id="a"), store, [3])

    with pytest.raises(LogMismatch, match=r"up to offset 4 \(its id was a, now it is b\).* `sightline rebuild`"):
        await check_log(log(0, 99, topic_id="b"), store, [3])


GROWN = {3: Extent(0, 9), 4: Extent(0, 0)}


async def test_a_topic_to_which_partitions_were_added_is_refused_at_the_start() -> None:
    store = await state(4, made_from="a")
    await check_count(log(0, 9), store)

    with pytest.raises(LogMismatch) as caught:
        await check_count(Log(TOPIC, "a", GROWN), store)
    assert str(caught.value) == (
        "events.interactions has 2 partitions, but the state was made from 1: a key's partition depends on the count, "
        "so users would be without their profiles. "
        "`sightline topics grow 2` says how to move to more partitions"
    )


async def test_partitions_added_while_a_worker_runs_do_not_end_it() -> None:
    store = await state(4, made_from="a")
    await check_count(log(0, 9), store)

    await check_log(Log(TOPIC, "a", GROWN), store, [3, 4])


async def test_a_state_of_the_version_before_gets_the_count() -> None:
    store = await state(4, made_from="a")
    await check_count(log(0, 9), store)

    loaded = (await store.load({3: ["topic", "partitions"]}))[3]
    assert (loaded.position, loaded.values) == (4, [b"a", b"1"])


async def test_a_topic_made_anew_with_more_partitions_is_left_to_the_check_of_its_id() -> None:
    store = await state(4, made_from="a")
    await check_count(log(0, 9), store)

    await check_count(Log(TOPIC, "b", GROWN), store)
    with pytest.raises(LogMismatch, match="is another topic"):
        await check_log(Log(TOPIC, "b", GROWN), store, [3])


async def test_every_partition_that_does_not_fit_is_named() -> None:
    store = MemoryPartitions()
    await store.commit([Commit(n, START, 9, {}) for n in range(3)])

    with pytest.raises(LogMismatch) as caught:
        await check_log(Log(TOPIC, "a", {0: Extent(0, 5), 1: Extent(0, 10), 2: Extent(20, 30)}), store, range(3))

    assert [line.split()[0] for line in str(caught.value).splitlines()] == [f"{TOPIC}[0]", f"{TOPIC}[2]"]


async def test_lost_records_are_skipped_and_counted() -> None:
    store = MemoryPartitions()
    await store.commit([Commit(n, START, 9, {}) for n in range(2)])
    cut = Log(TOPIC, "a", {0: Extent(0, 30), 1: Extent(20, 30), 2: Extent(20, 30)})

    assert await skip_lost(cut, store) == {1: 10}
    assert await store.positions([0, 1, 2]) == {0: 9, 1: 19, 2: START}
    await check_log(cut, store, [0, 1, 2])


async def test_nothing_lost_is_nothing_skipped() -> None:
    assert await skip_lost(log(5, 9), await state(4)) == {}


# On a real Kafka


class Topic:
    """A topic of one partition that can be written, cut and made anew."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.name = f"{prefix}log"
        self.admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        self.make()

    def make(self) -> None:
        self.admin.create_topics({self.name: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)

    def write(self, count: int) -> None:
        with_one = KafkaProducer(bootstrap_servers=self.bootstrap)
        for _ in range(count):
            with_one.send(self.name, b"v").get(timeout=20)
        with_one.close()

    def cut(self, first: int) -> None:
        self.admin.delete_records({TopicPartition(self.name, 0): first})

    def make_anew(self) -> None:
        self.admin.delete_topics([self.name])
        while self.name in self.admin.list_topics():
            pass
        self.make()

    def read(self) -> Log:
        return read_log(self.bootstrap, self.name)


@pytest.fixture
def topic(stack: RunningStack, topic_prefix: str) -> Iterator[Topic]:
    made = Topic(stack.endpoints.kafka, topic_prefix)
    yield made
    made.admin.close()


@pytest.mark.stack
def test_a_log_is_read_as_kafka_has_it(topic: Topic) -> None:
    assert topic.read().extents == {0: Extent(0, 0)}
    topic.write(5)
    topic.cut(2)
    assert topic.read().extents == {0: Extent(2, 5)}


@pytest.mark.stack
def test_a_topic_made_anew_has_another_id(topic: Topic) -> None:
    before = topic.read().topic_id
    assert topic.read().topic_id == before
    topic.make_anew()
    assert topic.read().topic_id != before


@pytest.mark.stack
def test_a_topic_that_does_not_exist_is_named(stack: RunningStack) -> None:
    with pytest.raises(BrokerUnavailable, match="'nowhere' does not exist"):
        read_log(stack.endpoints.kafka, "nowhere")


@pytest.mark.stack
async def test_a_worker_takes_no_partition_up_whose_log_does_not_fit(topic: Topic) -> None:
    topic.write(5)
    app = make_app("refusing", Settings(), topic.bootstrap)
    store = app.stores[topic.name] = MemoryPartitions()
    app.positions[topic.name] = store.positions
    await store.commit([Commit(0, START, 2, {})])
    assert await app.read_positions({TP(topic.name, 0)}) == {TP(topic.name, 0): 2}

    topic.make_anew()
    topic.write(9)
    with pytest.raises(LogMismatch, match="sightline rebuild"):
        await app.read_positions({TP(topic.name, 0)})
    assert isinstance(app.failure, LogMismatch)


@pytest.mark.stack
async def test_a_worker_whose_topic_begins_again_while_it_reads_looks_whether_it_is_the_same(
    topic: Topic, tmp_path: Path
) -> None:
    seen: list[int] = []

    async def apply(records: Sequence[Record]) -> None:
        seen.extend(record.offset for record in records)

    app = make_app("reading", Settings(home=tmp_path), topic.bootstrap)
    add_agent(
        app, streams.wire.topics.Topic(topic.name, "", {}, ""), apply, name="log", namespace=Namespace(), limit=256
    )
    await app.start()
    try:
        await asyncio.to_thread(topic.write, 5)
        await until(lambda: len(seen) == 5)
        store = app.stores[topic.name] = MemoryPartitions()
        await store.commit([Commit(0, START, 4, {"topic": b"another"})])
        # As the client does when the broker says that there is no such offset any more.
        await app.consumer._seek(TP(topic.name, 0), 0)  # type: ignore[attr-defined]  # Faust's
        await until(lambda: isinstance(app.failure, LogMismatch))
    finally:
        await app.stop()
