"""What only a real Redis can do: lose its functions, answer slowly, and go away (what it refuses: test_refusals)."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis.asyncio import Redis

from deploy.local import Stack
from state.degradations import CONDITION_SECONDS, Degradations
from state.errors import StateUnavailable
from state.keys import Keys
from state.partitions import START, Commit, Loaded
from state.redis import RedisPartitions, connect
from streams.retrying import until_available
from streams.settings import Settings

TOOLS = Path(__file__).parents[2] / ".sightline" / "tools"


class Calls(list[tuple[str, bool]]):
    """Which round trips were observed, and whether they came back."""

    def __call__(self, op: str, seconds: float | None) -> None:
        self.append((op, seconds is not None))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Redis that tests may break; each mends it first."""
    home = tmp_path_factory.mktemp("redis")
    stack = Stack(Settings(home=home, tools=TOOLS, kafka=None, redis=None, triton=None))
    yield stack
    stack.down()


@pytest.fixture
async def client(own: Stack) -> AsyncIterator[Redis]:
    client = connect(own.up(["redis"]).redis, timeout_s=0.5)
    assert isinstance(client, Redis)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def store(client: Redis, calls: Calls) -> RedisPartitions:
    return RedisPartitions(client, Keys("t."), observe=calls)


@pytest.mark.stack
@pytest.mark.parametrize("count", [1, 3])
async def test_a_redis_that_lost_its_functions_gets_them_again(
    client: Redis, store: RedisPartitions, count: int
) -> None:
    commits = [Commit(n, START, 4, {"a": b"1"}) for n in range(count)]
    await client.function_flush()
    assert await store.commit(commits) == {}
    await client.function_flush()

    assert await store.load({n: ["a"] for n in range(count)}) == {n: Loaded(4, [b"1"]) for n in range(count)}


@pytest.mark.stack
async def test_what_is_committed_outlives_a_restart(own: Stack, store: RedisPartitions) -> None:
    await store.commit([Commit(0, START, 4, {"a": b"1"})])
    own.down(["redis"])
    own.start("redis")

    # The first call finds its connection closed.
    found = await until_available(lambda: store.load({0: ["a"]}), StateUnavailable)
    assert found == {0: Loaded(4, [b"1"])}


@pytest.mark.stack
async def test_each_round_trip_is_observed(store: RedisPartitions, calls: Calls) -> None:
    await store.load({n: ["a"] for n in range(12)})
    await store.commit([Commit(n, START, 4, {}) for n in range(12)])
    await store.load({})

    assert calls == [("load", True), ("commit", True)]


@pytest.mark.stack
async def test_a_killed_redis_is_unavailable_until_it_is_back(own: Stack, store: RedisPartitions, calls: Calls) -> None:
    await store.commit([Commit(0, START, 4, {})])
    own.kill("redis")

    with pytest.raises(StateUnavailable, match="Redis operation 'commit' failed: ConnectionError"):
        await store.commit([Commit(0, 4, 5, {})])
    with pytest.raises(StateUnavailable, match="Redis operation 'load' failed"):
        await store.positions([0, 1])
    assert calls[-2:] == [("commit", False), ("load", False)]

    own.start("redis")
    assert set(await store.positions([0])) == {0}


@pytest.mark.stack
async def test_a_redis_that_hangs_is_unavailable_after_the_timeout(own: Stack, store: RedisPartitions) -> None:
    commit = Commit(0, START, 4, {"a": b"1"})
    await store.positions([0])
    own.pause("redis")
    try:
        with pytest.raises(StateUnavailable, match="TimeoutError"):
            await asyncio.wait_for(store.commit([commit]), timeout=20)
    finally:
        own.resume("redis")

    # The reply of the first attempt was lost, its effect was not.
    assert await store.commit([commit]) == {}
    assert await store.load({0: ["a"]}) == {0: Loaded(4, [b"1"])}


async def test_a_port_where_nobody_listens_is_unavailable(calls: Calls) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        client = connect(f"redis://127.0.0.1:{taken.getsockname()[1]}", timeout_s=1)
        store = RedisPartitions(client, Keys(""), observe=calls)

        with pytest.raises(StateUnavailable, match="ConnectionError"):
            await store.load({0: ["a"]})
        await client.aclose()

    assert calls == [("load", False)]


# Conditions


@pytest.mark.stack
async def test_a_condition_holds_once_it_is_reported(client: Redis, calls: Calls) -> None:
    degradations = Degradations(client, "t.", ["encoder", "other"], observe=calls)
    assert await degradations.current() == []
    await degradations.report("encoder")

    assert await degradations.current() == ["encoder"]
    assert calls == [("conditions", True), ("condition", True), ("conditions", True)]


@pytest.mark.stack
async def test_a_condition_that_nobody_repeats_ends_by_itself(client: Redis, calls: Calls) -> None:
    await Degradations(client, "t.", ["encoder"], observe=calls).report("encoder")

    (key,) = await client.keys("*encoder*")
    assert 0 < await client.ttl(key) <= CONDITION_SECONDS


@pytest.mark.stack
async def test_conditions_cannot_be_read_while_redis_is_away(own: Stack, client: Redis, calls: Calls) -> None:
    own.kill("redis")

    with pytest.raises(StateUnavailable, match="Redis operation 'conditions' failed"):
        await Degradations(client, "t.", ["encoder"], observe=calls).current()


@pytest.mark.stack
async def test_a_value_expires_when_its_commit_says_so_and_the_others_stay(
    store: RedisPartitions, client: Redis
) -> None:
    await store.commit([Commit(3, START, 1, {"a": b"1", "b": b"2", "c": b"3"}, {"b": 1, "c": 4_000_000_000_000})])

    assert await store.load({3: ["a", "b", "c"]}) == {3: Loaded(1, [b"1", None, b"3"])}
    assert [await client.pexpiretime(f"sightline:t.:{{3}}:{name}") for name in ("a", "c")] == [-1, 4_000_000_000_000]


@pytest.mark.stack
async def test_a_later_value_takes_the_expiry_back(store: RedisPartitions, client: Redis) -> None:
    await store.commit([Commit(3, START, 1, {"a": b"1"}, {"a": 4_000_000_000_000})])
    await store.commit([Commit(3, 1, 2, {"a": b"2"})])

    assert await client.pexpiretime("sightline:t.:{3}:a") == -1
