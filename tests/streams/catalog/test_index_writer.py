"""The shared index as a projection of state.catalog, on a real Redis."""

import uuid
from collections.abc import AsyncIterator, Mapping

import numpy as np
import pytest

from deploy.redis_cluster import RedisNode
from features.item import Item, key_of, picture_key
from state.codec import encode_item
from state.redis import connect
from state.vector_sets import Indexed, Place, VectorSets
from streams.catalog.index_expiry import IndexExpiry
from streams.catalog.index_writer import STEP, IndexAgent
from streams.errors import BrokerUnavailable
from streams.kafka.continuity import Log
from streams.kafka.log_reader import Extent
from streams.processing.positions import Positions
from streams.wire.records import Record
from streams.wire.topics import TOMBSTONES_KEPT_MS
from tests.harness.fakes import NOON, Clock, Rewinds, passed

pytestmark = pytest.mark.stack
PARTITIONS = 4


class Shelf:
    """Workers that write one index, and the topic as Kafka tells of it."""

    def __init__(self, url: str) -> None:
        self.client = connect(url)
        self.prefix = f"{uuid.uuid4().hex}."
        self.clock = Clock()
        self.topic = Log("state.catalog", "topic-1", {partition: Extent(0, 1000) for partition in range(PARTITIONS)})
        self.rewinds = Rewinds()
        self.trouble = 0
        self.sets = self.make_sets()

    def make_sets(self) -> VectorSets:
        return VectorSets(self.client, self.prefix, 2, observe=lambda op, seconds: None)

    def worker(self, sets: VectorSets | None = None) -> IndexAgent:
        """One more, which knows nothing yet."""
        return IndexAgent(sets or self.make_sets(), Positions(self.rewinds), self._read, clock_ms=self.clock)

    async def names(self, *candidates: str) -> set[str]:
        """Which of these items are found."""
        keys, similarities = await self.sets.search("e@1", np.ones((1, 8), np.float32), 100)
        found = set(keys[similarities > -1].tolist())
        return {name for name in candidates if picture_key(picture_of(name)) in found}

    async def _read(self) -> Log:
        if self.trouble:
            self.trouble -= 1
            raise BrokerUnavailable("no answer")
        return self.topic


class LateSets(VectorSets):
    """Of a worker that stands still between reading the place and its first write, in which another takes over."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf.client, shelf.prefix, 2, observe=lambda op, seconds: None)
        self._shelf = shelf
        self.was_late = False

    async def store(
        self, partition: int, expected: Place, place: Place, changes: Mapping[int, Indexed | None]
    ) -> Place:
        if not self.was_late:
            self.was_late = True
            await self._shelf.worker().handle([record(0, item("a")), record(1, "a")])
        return await super().store(partition, expected, place, changes)


@pytest.fixture
async def shelf(redis_node: RedisNode) -> AsyncIterator[Shelf]:
    shelf = Shelf(redis_node.url)
    yield shelf
    await shelf.client.aclose()


def picture_of(name: str) -> bytes:
    looks = np.random.default_rng(key_of(name)).standard_normal(8)
    return (looks / np.linalg.norm(looks)).astype("<f2").tobytes()


def item(name: str, **changes: object) -> Item:
    known: dict[str, object] = {"embeddings": {"e@1": picture_of(name)}}
    return Item(name, NOON, **(known | changes))  # type: ignore[arg-type]  # a test's own fields


def record(
    offset: int, thing: Item | str | bytes, *, partition: int = 0, after: int | None = -2, key: bytes = b""
) -> Record:
    """An item's record; a name is a tombstone's, bytes are what nobody can read."""
    key = key or (thing.item_id if isinstance(thing, Item) else thing if isinstance(thing, str) else "x").encode()
    value = encode_item(thing) if isinstance(thing, Item) else thing if isinstance(thing, bytes) else None
    return Record("state.catalog", partition, offset, NOON, key, value, (), offset - 1 if after == -2 else after)


async def test_an_item_of_the_catalogue_is_found(shelf: Shelf) -> None:
    await shelf.worker().handle([record(0, item("a"))])

    assert await shelf.names("a", "b") == {"a"}


async def test_a_deleted_item_is_found_no_more(shelf: Shelf) -> None:
    await shelf.worker().handle([record(0, item("a")), record(1, item("b")), record(2, "a")])

    assert await shelf.names("a", "b") == {"b"}


@pytest.mark.parametrize("change", [{"hidden": True}, {"in_stock": False}, {"embeddings": {}}, {"expires_at_ms": NOON}])
async def test_what_is_not_to_be_had_leaves_the_index_and_comes_back(shelf: Shelf, change: dict[str, object]) -> None:
    worker = shelf.worker()
    await worker.handle([record(0, item("a"))])
    await worker.handle([record(1, item("a", **change))])
    assert await shelf.names("a") == set()

    await worker.handle([record(2, item("a"))])
    assert await shelf.names("a") == {"a"}


async def test_more_than_one_step_is_indexed(shelf: Shelf) -> None:
    names = [f"i{n}" for n in range(2 * STEP + 1)]
    worker = shelf.worker()
    await worker.handle([record(n, item(name)) for n, name in enumerate(names)])

    assert await shelf.names(*names) == set(names)
    assert await worker.positions([0]) == {0: 2 * STEP}


async def test_offsets_that_compaction_removed_are_passed_over(shelf: Shelf) -> None:
    await shelf.worker().handle([record(7, item("a"), after=-1), record(90, item("b"), after=7)])

    assert await shelf.names("a", "b") == {"a", "b"}
    assert shelf.rewinds.asked == []


async def test_an_unreadable_record_is_passed_over(shelf: Shelf) -> None:
    worker = shelf.worker()
    await worker.handle([record(0, b"?"), record(1, item("a"), key=b"\xff"), record(2, item("b"))])

    assert await shelf.names("a", "b") == {"b"}
    assert await worker.positions([0]) == {0: 2}


async def test_what_was_indexed_is_taken_up_where_it_ended(shelf: Shelf) -> None:
    await shelf.worker().handle([record(0, item("a")), record(1, item("b"))])

    assert await shelf.worker().take_up([0, 1]) == {0: 1, 1: -1}


async def test_a_record_that_comes_again_changes_nothing(shelf: Shelf) -> None:
    worker = shelf.worker()
    await worker.handle([record(0, item("a")), record(1, "a")])
    await worker.handle([record(0, item("a")), record(1, "a")])

    assert await shelf.names("a") == set()


async def test_records_that_do_not_connect_are_fetched_again(shelf: Shelf) -> None:
    await shelf.worker().handle([record(5, item("a"))])

    assert shelf.rewinds.asked == [(0, -1)]
    assert await shelf.names("a") == set()


async def test_a_worker_that_was_replaced_cannot_bring_a_deleted_item_back(shelf: Shelf) -> None:
    late = LateSets(shelf)
    await shelf.worker(late).handle([record(0, item("a"))])

    assert late.was_late
    assert await shelf.names("a") == set()
    assert shelf.rewinds.asked == [(0, 1)]


async def test_an_index_of_another_topic_is_made_anew(shelf: Shelf) -> None:
    await shelf.worker().handle([record(0, item("a")), record(0, item("b"), partition=2)])
    shelf.topic = Log("state.catalog", "topic-2", shelf.topic.extents)

    assert await shelf.worker().take_up([0]) == {0: -1}
    # One shard holds both partitions.
    assert await shelf.names("a", "b") == set()


async def test_an_index_that_is_ahead_of_its_topic_is_made_anew(shelf: Shelf) -> None:
    await shelf.worker().handle([record(7, item("a"), after=-1)])
    shelf.topic = Log("state.catalog", "topic-1", {partition: Extent(0, 7) for partition in range(PARTITIONS)})

    assert await shelf.worker().take_up([0]) == {0: -1}
    assert await shelf.names("a") == set()


async def test_after_so_long_that_deletions_may_be_forgotten_it_is_made_anew(shelf: Shelf) -> None:
    await shelf.worker().handle([record(0, item("a"))])
    shelf.clock.now_ms += TOMBSTONES_KEPT_MS + 1

    assert await shelf.worker().take_up([0]) == {0: -1}
    assert await shelf.names("a") == set()


async def test_however_long_ago_an_index_that_lacks_nothing_stays(shelf: Shelf) -> None:
    await shelf.worker().handle([record(999, item("a"), after=-1)])
    shelf.clock.now_ms += TOMBSTONES_KEPT_MS + 1

    assert await shelf.worker().take_up([0]) == {0: 999}
    assert await shelf.names("a") == {"a"}


async def test_a_worker_waits_for_kafka_to_say_which_topic_it_is(shelf: Shelf) -> None:
    shelf.trouble = 2
    await shelf.worker().handle([record(0, item("a"))])

    assert await shelf.names("a") == {"a"}


async def test_offsets_that_hold_no_record_move_the_place_and_nothing_else(shelf: Shelf) -> None:
    agent = shelf.worker()
    await agent.take_up([0])
    await agent.handle([passed(-1, 6, topic="state.catalog")])
    assert (await agent.positions([0]), shelf.rewinds.asked) == ({0: 6}, [])


async def test_what_expires_leaves_the_index_by_itself(shelf: Shelf) -> None:
    await shelf.worker().handle(
        [record(0, item("a", expires_at_ms=NOON + 50)), record(1, item("b"), partition=1, after=-1)]
    )
    expiry = IndexExpiry(shelf.sets, clock_ms=shelf.clock)
    await expiry.look()
    assert await shelf.names("a", "b") == {"a", "b"}

    shelf.clock.now_ms = NOON + 50
    await expiry.look()
    assert await shelf.names("a", "b") == {"b"}
