"""What only a Redis Cluster can do: hold a partition's keys on one master and lose that one alone."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis, RedisCluster

from deploy import redis_cluster as servers
from state.degradations import Degradations
from state.errors import StateUnavailable
from state.keys import Keys
from state.partitions import START, Commit, Loaded
from state.redis import RedisPartitions, connect
from streams.retrying import until_available

pytestmark = pytest.mark.stack
PARTITIONS = range(12)


@pytest.fixture
async def client(redis_cluster: servers.RedisCluster) -> AsyncIterator[RedisCluster]:
    client = connect(redis_cluster.url, timeout_s=1.0)
    assert isinstance(client, RedisCluster)
    yield client
    await client.aclose()


@pytest.fixture
def keys() -> Keys:
    return Keys(f"{uuid.uuid4().hex}.")


@pytest.fixture
def store(client: RedisCluster, keys: Keys) -> RedisPartitions:
    return RedisPartitions(client, keys, observe=lambda op, seconds: None)


@pytest.fixture
def mended(redis_cluster: servers.RedisCluster) -> Iterator[servers.RedisCluster]:
    """The cluster, whose first node may be killed or paused."""
    yield redis_cluster
    first = redis_cluster.nodes[0]
    first.kill()
    first.start()
    redis_cluster.await_whole()


def commits(expected: int, position: int) -> list[Commit]:
    return [Commit(n, expected, position, {"a": b"%d" % position}) for n in PARTITIONS]


def port_of(client: RedisCluster, key: str) -> int:
    node = client.get_node_from_key(key)
    assert node is not None
    return int(node.port)


async def test_partitions_lie_on_several_nodes(client: RedisCluster, keys: Keys) -> None:
    await client.initialize()
    assert len({port_of(client, keys.position(n)) for n in PARTITIONS}) > 1


async def test_all_keys_of_a_partition_lie_on_one_node(client: RedisCluster, keys: Keys) -> None:
    slots = {client.keyslot(name) for name in (keys.position(3), keys.value(3, "profile:{7}"), keys.value(3, "trends"))}
    assert len(slots) == 1


async def test_every_master_gets_its_functions_again(client: RedisCluster, store: RedisPartitions) -> None:
    await store.commit(commits(START, 4))
    await client.function_flush()

    assert await store.commit(commits(4, 5)) == {}
    assert await store.load({n: ["a"] for n in PARTITIONS}) == {n: Loaded(5, [b"5"]) for n in PARTITIONS}


async def test_one_master_that_lost_its_functions_is_enough_to_need_them(
    redis_cluster: servers.RedisCluster, store: RedisPartitions
) -> None:
    await store.commit(commits(START, 4))
    redis_cluster.nodes[1].ask("FUNCTION", "FLUSH")

    assert await store.commit(commits(4, 5)) == {}
    assert await store.positions(PARTITIONS) == dict.fromkeys(PARTITIONS, 5)


async def test_a_killed_node_makes_the_cluster_unavailable_until_it_is_back(
    mended: servers.RedisCluster, store: RedisPartitions
) -> None:
    await store.commit(commits(START, 4))
    await asyncio.to_thread(mended.nodes[0].kill)

    with pytest.raises(StateUnavailable, match="Redis operation 'commit' failed"):
        await store.commit(commits(4, 5))

    await asyncio.to_thread(mended.nodes[0].start)
    assert await until_available(lambda: store.commit(commits(4, 5)), StateUnavailable) == {}
    assert await store.load({n: ["a"] for n in PARTITIONS}) == {n: Loaded(5, [b"5"]) for n in PARTITIONS}


async def test_the_nodes_that_are_left_of_a_cluster_refuse_until_it_is_whole(
    mended: servers.RedisCluster, client: RedisCluster, store: RedisPartitions, keys: Keys
) -> None:
    await store.commit(commits(START, 4))
    lost = mended.nodes[0]
    left = next(n for n in PARTITIONS if port_of(client, keys.position(n)) != lost.port)
    await asyncio.to_thread(lost.kill)

    async def ask_on() -> None:
        while True:
            await store.positions([left])

    with pytest.raises(StateUnavailable, match="ClusterDownError"):
        await asyncio.wait_for(ask_on(), timeout=20)


async def test_a_node_that_hangs_is_unavailable_after_the_timeout(
    mended: servers.RedisCluster, store: RedisPartitions
) -> None:
    await store.commit(commits(START, 4))
    mended.nodes[0].pause()
    try:
        with pytest.raises(StateUnavailable, match="TimeoutError"):
            await asyncio.wait_for(store.commit(commits(4, 5)), timeout=20)
    finally:
        mended.nodes[0].resume()

    assert await until_available(lambda: store.commit(commits(4, 5)), StateUnavailable) == {}


async def test_a_slot_that_moved_is_found_where_it_is_now(
    redis_cluster: servers.RedisCluster, client: RedisCluster, store: RedisPartitions, keys: Keys
) -> None:
    # No other test uses this partition: Redis gives away a slot without keys only.
    moved = 99
    assert await store.positions([0, moved]) == {0: START, moved: START}
    slot = str(client.keyslot(keys.position(moved)))
    before = port_of(client, keys.position(moved))
    target = next(node for node in redis_cluster.nodes if node.port != before)
    for node in redis_cluster.nodes:
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.ask("CLUSTER", "MYID"))

    both = [Commit(partition, START, 4, {"a": b"4"}) for partition in (0, moved)]
    assert await until_available(lambda: store.commit(both), StateUnavailable) == {}
    assert await store.positions([0, moved]) == {0: 4, moved: 4}


async def test_a_client_that_was_not_told_of_the_cluster_is_unavailable(
    redis_cluster: servers.RedisCluster, keys: Keys
) -> None:
    client = connect(redis_cluster.nodes[0].url)
    assert isinstance(client, Redis)
    store = RedisPartitions(client, keys, observe=lambda op, seconds: None)

    with pytest.raises(StateUnavailable, match="MovedError"):
        await store.positions(PARTITIONS)
    await client.aclose()


async def test_a_cluster_of_which_no_node_answers_is_unavailable(redis_cluster: servers.RedisCluster) -> None:
    client = connect("redis://127.0.0.1:1?cluster=true", timeout_s=0.5)
    store = RedisPartitions(client, Keys(""), observe=lambda op, seconds: None)

    with pytest.raises(StateUnavailable, match="cannot be connected"):
        await store.positions(PARTITIONS)
    await client.aclose()


async def test_conditions_are_told_and_read_in_a_cluster(client: RedisCluster, keys: Keys) -> None:
    degradations = Degradations(client, keys.app, ["encoder", "other"], observe=lambda op, seconds: None)
    await degradations.report("encoder")

    assert await degradations.current() == ["encoder"]
