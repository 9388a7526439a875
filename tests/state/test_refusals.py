"""Everything that a living Redis may answer instead of doing what it was asked: tried again later, never skipped."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from deploy.redis_cluster import RedisNode
from state.errors import StateUnavailable
from state.keys import Keys
from state.partitions import START, Commit, Loaded
from state.redis import RedisPartitions, connect
from streams.retrying import until_available

pytestmark = pytest.mark.stack
FIRST = Commit(0, START, 4, {"a": b"1"})
NEXT = Commit(0, 4, 5, {"a": b"2"})
BEFORE = {0: Loaded(4, [b"1"])}
AFTER = {0: Loaded(5, [b"2"])}
#: Neither makes a replica wait for others, nor waits for anything when it ends.
REPLICATED = {"repl_diskless_sync_delay": "0", "shutdown_timeout": "0", "appendonly": "no"}
ENDLESS = "#!lua name=endless\nredis.register_function('endless', function() while true do end end)"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Callable[..., RedisNode]]:
    """Starts Redis servers of this test alone."""
    started: list[RedisNode] = []

    def start(**options: str) -> RedisNode:
        node = RedisNode(tmp_path / str(len(started)), {key.replace("_", "-"): value for key, value in options.items()})
        started.append(node)
        node.start()
        return node

    yield start
    for node in started:
        node.end()


@pytest.fixture
async def clients() -> AsyncIterator[Callable[[RedisNode], Redis]]:
    """Connects to servers."""
    connected: list[Redis] = []

    def to(node: RedisNode) -> Redis:
        client = connect(node.url, timeout_s=5)
        assert isinstance(client, Redis)
        connected.append(client)
        return client

    yield to
    for client in connected:
        await client.aclose()


@pytest.fixture
def client(redis_node: RedisNode, clients: Callable[[RedisNode], Redis]) -> Redis:
    return clients(redis_node)


@pytest.fixture
async def store(client: Redis) -> RedisPartitions:
    await client.flushall()
    return await holding(client)


async def holding(client: Redis) -> RedisPartitions:
    """A store that holds the first commit."""
    store = RedisPartitions(client, Keys("t."), observe=lambda op, seconds: None)
    assert await store.commit([FIRST]) == {}
    return store


def limit_files(node: RedisNode, size: int) -> None:
    """Let its files grow no further than to a size, as a full disk would."""
    resource.prlimit(node.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


async def until_refused(call: Callable[[], Awaitable[object]], what: str) -> None:
    """Call until it is refused, which must be with `what`."""

    async def call_on() -> None:
        while True:
            await call()

    with pytest.raises(StateUnavailable, match=what):
        await asyncio.wait_for(call_on(), timeout=20)


async def test_one_that_is_full(client: Redis, store: RedisPartitions) -> None:
    await client.config_set("maxmemory", "1")
    try:
        with pytest.raises(StateUnavailable, match="OutOfMemory"):
            await store.commit([NEXT])
        assert await store.load({0: ["a"]}) == BEFORE
    finally:
        await client.config_set("maxmemory", "0")

    assert await store.commit([NEXT]) == {}


async def test_one_that_is_a_replica(client: Redis, store: RedisPartitions) -> None:
    await client.replicaof("127.0.0.1", "1")
    try:
        with pytest.raises(StateUnavailable, match="ReadOnly"):
            await store.commit([NEXT])
    finally:
        await client.replicaof("NO", "ONE")

    assert await store.commit([NEXT]) == {}


async def test_one_that_runs_a_script_for_long(
    client: Redis, store: RedisPartitions, redis_node: RedisNode, clients: Callable[[RedisNode], Redis]
) -> None:
    await client.config_set("busy-reply-threshold", "10")
    await client.function_load(ENDLESS, replace=True)
    endless = asyncio.ensure_future(cast(Awaitable[object], clients(redis_node).fcall("endless", 0)))
    try:
        await until_refused(lambda: store.load({0: ["a"]}), "BUSY")
        with pytest.raises(StateUnavailable, match="BUSY"):
            await store.commit([NEXT])
    finally:
        await client.function_kill()
    with pytest.raises(ResponseError, match="killed"):
        await endless

    assert await store.commit([NEXT]) == {}
    await client.function_delete("endless")
    await client.config_set("busy-reply-threshold", "5000")


async def test_one_whose_disk_is_full(nodes: Callable[..., RedisNode], clients: Callable[[RedisNode], Redis]) -> None:
    node = nodes()
    store = await holding(clients(node))
    limit_files(node, 0)

    # What is committed while it does not know yet may be lost with it; it is made again, and then refused.
    await until_refused(lambda: store.commit([NEXT]), "MISCONF")

    limit_files(node, resource.RLIM_INFINITY)
    assert await until_available(lambda: store.commit([NEXT]), StateUnavailable) == {}
    assert await store.load({0: ["a"]}) == AFTER


async def test_one_whose_snapshots_fail(nodes: Callable[..., RedisNode], clients: Callable[[RedisNode], Redis]) -> None:
    node = nodes(appendonly="no", save="3600 1")
    client = clients(node)
    store = await holding(client)
    limit_files(node, 0)
    await client.bgsave()

    await until_refused(lambda: store.commit([Commit(0, 4, 4, {})]), "MISCONF")

    assert await store.load({0: ["a"]}) == BEFORE
    limit_files(node, resource.RLIM_INFINITY)


async def test_one_that_is_loading(nodes: Callable[..., RedisNode], clients: Callable[[RedisNode], Redis]) -> None:
    node = nodes(key_load_delay="500")
    client = clients(node)
    store = await holding(client)
    async with client.pipeline(transaction=False) as pipeline:
        # It answers once every 1,024 keys: many, for however slowly it is asked, and then made fast.
        for n in range(40_000):
            pipeline.set(f"other{n}", n)
        await pipeline.execute()
    node.end()
    node.launch()

    seen = ""
    async with asyncio.timeout(20):
        while "BusyLoadingError" not in seen:
            with pytest.raises(StateUnavailable) as caught:
                await store.commit([NEXT])
            seen = str(caught.value)
    node.ask("CONFIG", "SET", "key-load-delay", "0")

    assert await until_available(lambda: store.commit([NEXT]), StateUnavailable) == {}
    assert await store.load({0: ["a"]}) == AFTER


async def test_a_replica_that_lagged_when_it_was_promoted_tells_how_far_it_is(
    nodes: Callable[..., RedisNode], clients: Callable[[RedisNode], Redis]
) -> None:
    master, replica = nodes(**REPLICATED), nodes()
    old, new = clients(master), clients(replica)
    store = await holding(old)
    await new.replicaof("127.0.0.1", str(master.port))
    async with asyncio.timeout(20):
        while not await old.wait(1, 1_000):  # until a replica has everything that was written
            pass
    await new.replicaof("NO", "ONE")
    assert await store.commit([NEXT]) == {}

    promoted = RedisPartitions(new, Keys("t."), observe=lambda op, seconds: None)
    assert await promoted.commit([Commit(0, 5, 6, {"a": b"3"})]) == {0: 4}
    assert await promoted.load({0: ["a"]}) == BEFORE


async def test_a_master_that_was_replaced_takes_no_commit_of_a_zombie(
    nodes: Callable[..., RedisNode], clients: Callable[[RedisNode], Redis]
) -> None:
    master, replacement = nodes(**REPLICATED), nodes(**REPLICATED)
    zombie = await holding(clients(master))
    await clients(master).replicaof("127.0.0.1", str(replacement.port))

    await until_refused(lambda: zombie.commit([FIRST]), "ReadOnly")
