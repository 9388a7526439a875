"""One suite for a state that is made anew beside the live one: dictionaries, a real Redis and a real Redis Cluster."""

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial

import pytest

from state.errors import StateCorrupt
from state.keys import Keys
from state.memory import MemoryPartitions
from state.partitions import START, Commit, Loaded, PartitionStore
from state.redis import Client, RedisPartitions, connect
from state.spaces import MemorySpaces, RedisSpaces, Spaces

PARTITIONS = 3
MARK = ("topic", b"topic-1")


@dataclass(frozen=True, slots=True)
class World:
    """The live state as a worker sees it, and new ones; `again` is another process that makes one."""

    live: PartitionStore
    spaces: Spaces
    again: Callable[[], Spaces]


def unobserved(_op: str, _seconds: float | None) -> None:
    """Nobody listens."""


@pytest.fixture(params=["memory", *(pytest.param(kind, marks=pytest.mark.stack) for kind in ("node", "cluster"))])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "memory":
        live = MemoryPartitions()
        spaces = MemorySpaces(live, PARTITIONS)
        yield World(live, spaces, lambda: spaces)
        return
    client = connect(request.getfixturevalue(f"redis_{request.param}").url)
    keys = Keys(f"{uuid.uuid4().hex}.")

    def again() -> Spaces:
        return RedisSpaces(client, keys, PARTITIONS, observe=unobserved)

    yield World(RedisPartitions(client, keys, observe=unobserved), again(), again)
    await client.aclose()


@pytest.fixture
def keys() -> Keys:
    return Keys(f"{uuid.uuid4().hex}.")


async def fill(store: PartitionStore, position: int, **values: bytes) -> None:
    """The same in every partition, from its beginning."""
    for partition in range(PARTITIONS):
        assert await store.commit([Commit(partition, START, position, {**values, MARK[0]: MARK[1]})]) == {}


async def test_what_is_made_anew_is_not_seen_before_the_switch(world: World) -> None:
    await fill(world.live, 9, a=b"old", b=b"old")
    await fill(await world.spaces.begin(*MARK), 7, a=b"new")
    assert await world.live.load({1: ["a", "b"]}) == {1: Loaded(9, [b"old", b"old"])}


async def test_after_the_switch_it_is_all_there_is(world: World) -> None:
    await fill(world.live, 9, a=b"old", b=b"old")
    await fill(await world.spaces.begin(*MARK), 7, a=b"new", c=b"new")
    await world.spaces.switch(dict.fromkeys(range(PARTITIONS), 7))
    await world.spaces.clear()
    assert await world.live.load({p: ["a", "b", "c"] for p in range(PARTITIONS)}) == {
        p: Loaded(7, [b"new", None, b"new"]) for p in range(PARTITIONS)
    }


async def test_what_the_live_state_has_noted_is_told_before_the_switch_and_after(world: World) -> None:
    await fill(world.live, 9, a=b"old")
    assert (await world.spaces.noted("a"))[1] == b"old"
    await fill(await world.spaces.begin(*MARK), 7, a=b"new")
    assert (await world.spaces.noted("a"))[1] == b"old"
    await world.spaces.switch(dict.fromkeys(range(PARTITIONS), 7))
    assert (await world.again().noted("a"))[1] == b"new"
    assert (await world.spaces.noted("nothing"))[1] is None


async def test_partitions_are_switched_one_by_one(world: World) -> None:
    await fill(world.live, 9, a=b"old")
    await fill(await world.spaces.begin(*MARK), 7, a=b"new")
    await world.spaces.switch({1: 7})
    assert await world.live.positions([0, 1, 2]) == {0: 9, 1: 7, 2: 9}
    assert await world.live.load({0: ["a"], 1: ["a"]}) == {0: Loaded(9, [b"old"]), 1: Loaded(7, [b"new"])}


async def test_what_was_switched_is_written_as_before(world: World) -> None:
    await fill(await world.spaces.begin(*MARK), 7, a=b"new")
    await world.spaces.switch({0: 7})
    await world.live.positions([0])
    await world.live.commit([Commit(0, 7, 8, {"a": b"newer"})])
    assert await world.live.commit([Commit(0, 8, 9, {"b": b"newest"})]) == {}
    assert await world.live.load({0: ["a", "b"]}) == {0: Loaded(9, [b"newer", b"newest"])}
    assert await world.live.commit([Commit(0, 7, 10, {"a": b"late"})]) == {0: 9}


async def test_an_empty_state_is_replaced(world: World) -> None:
    await fill(await world.spaces.begin(*MARK), 7, a=b"new")
    await world.spaces.switch({0: 7})
    assert await world.live.load({0: ["a"]}) == {0: Loaded(7, [b"new"])}


async def test_one_that_was_interrupted_is_gone_on_with(world: World) -> None:
    await fill(world.live, 9, a=b"old")
    await fill(await world.spaces.begin(*MARK), 4, a=b"new")
    store = await world.again().begin(*MARK)
    assert await store.load({1: ["a"]}) == {1: Loaded(4, [b"new"])}
    assert await store.commit([Commit(1, 4, 5, {})]) == {}


async def test_one_that_was_made_from_another_topic_is_begun_again(world: World) -> None:
    await fill(await world.spaces.begin(*MARK), 4, a=b"new")
    store = await world.again().begin(MARK[0], b"topic-2")
    assert await store.load({1: ["a"]}) == {1: Loaded(START, [None])}


async def test_a_state_may_be_made_anew_again_and_again(world: World) -> None:
    for number in range(3):
        spaces = world.again()
        await fill(await spaces.begin(*MARK), number, a=b"%d" % number)
        await spaces.switch(dict.fromkeys(range(PARTITIONS), number))
        await spaces.clear()
        assert await world.live.load({2: ["a"]}) == {2: Loaded(number, [b"%d" % number])}


# On Redis, where writers may be of another time


@pytest.mark.stack
async def test_a_commit_of_a_writer_from_before_is_refused_though_it_knows_the_same_position(
    redis: Client, keys: Keys
) -> None:
    spaces = RedisSpaces(redis, keys, PARTITIONS, observe=unobserved)
    zombie, worker = (RedisPartitions(redis, keys, observe=unobserved) for _ in range(2))
    await fill(zombie, 7, a=b"wrong")
    await worker.load({0: ["a"]})
    await fill(await spaces.begin(*MARK), 7, a=b"right")
    await spaces.switch({0: 7})

    assert await zombie.commit([Commit(0, 7, 8, {"a": b"wrong"})]) == {0: 7}
    # It reads some more before it stores, as a worker does for users that it does not hold.
    assert await worker.load({0: ["a"]}) == {0: Loaded(7, [b"right"])}
    assert await worker.commit([Commit(0, 7, 8, {"a": b"wrong"})]) == {0: 7}
    assert await worker.commit([Commit(0, 7, 8, {"a": b"right too"})]) == {}


@pytest.mark.stack
async def test_a_commit_that_seems_to_have_been_made_before_is_refused_as_well(redis: Client, keys: Keys) -> None:
    spaces = RedisSpaces(redis, keys, PARTITIONS, observe=unobserved)
    worker = RedisPartitions(redis, keys, observe=unobserved)
    await fill(worker, 7, a=b"wrong")
    await fill(await spaces.begin(*MARK), 8, a=b"right")
    await spaces.switch({0: 8})
    assert await worker.commit([Commit(0, 7, 8, {"a": b"wrong"})]) == {0: 8}
    assert await worker.load({0: ["a"]}) == {0: Loaded(8, [b"right"])}


@pytest.mark.stack
async def test_nothing_is_left_of_what_was_replaced_and_nothing_else_is_touched(redis: Client, keys: Keys) -> None:
    others = Keys(f"s{keys.app}")
    spaces = RedisSpaces(redis, keys, PARTITIONS, observe=unobserved)
    for each in (keys, others):
        await fill(RedisPartitions(redis, each, observe=unobserved), 7, a=b"old", b=b"old")
    await redis.set(keys.value(0, "profile:x\n"), "of no layout of ours")
    await fill(await spaces.begin(*MARK), 8, a=b"new")
    await spaces.switch(dict.fromkeys(range(PARTITIONS), 8))
    assert await spaces.clear() == 3 * PARTITIONS + 1
    left = {key.decode() async for key in redis.scan_iter(match=f"{keys.start}*")}
    assert left == {
        key for p in range(PARTITIONS) for key in (keys.position(p), *map(partial(value_of, keys, p), ("a", "topic")))
    }
    assert len([key async for key in redis.scan_iter(match=f"{others.start}*")]) == 4 * PARTITIONS


def value_of(keys: Keys, partition: int, name: str) -> str:
    return keys.within(1).value(partition, name)


@pytest.mark.stack
@pytest.mark.parametrize("wrong", ["text", "list"])
async def test_a_position_that_is_none_is_refused_and_made_right(redis: Client, keys: Keys, wrong: str) -> None:
    if wrong == "text":
        await redis.set(keys.position(0), "seven")
        with pytest.raises(StateCorrupt, match=r"position of partition 0 is b'seven'.*sightline rebuild"):
            await RedisPartitions(redis, keys, observe=unobserved).positions([0])
    else:
        await redis.rpush(keys.position(0), "seven")
    spaces = RedisSpaces(redis, keys, PARTITIONS, observe=unobserved)
    await fill(await spaces.begin(*MARK), 8, a=b"new")
    await spaces.switch({0: 8})
    assert await RedisPartitions(redis, keys, observe=unobserved).load({0: ["a"]}) == {0: Loaded(8, [b"new"])}
