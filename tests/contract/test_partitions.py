"""One suite for every PartitionStore: the dictionary, a real Redis and a real Redis Cluster."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from state.keys import Keys
from state.memory import MemoryPartitions
from state.partitions import START, Commit, Loaded, PartitionStore
from state.redis import RedisPartitions, connect


@pytest.fixture(params=["memory", *(pytest.param(kind, marks=pytest.mark.stack) for kind in ("node", "cluster"))])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[PartitionStore]:
    if request.param == "memory":
        yield MemoryPartitions()
    else:
        client = connect(request.getfixturevalue(f"redis_{request.param}").url)
        yield RedisPartitions(client, Keys(f"{uuid.uuid4().hex}."), observe=lambda op, seconds: None)
        await client.aclose()


async def test_a_partition_starts_before_its_first_offset(store: PartitionStore) -> None:
    assert START == -1
    assert await store.positions([0, 7]) == {0: START, 7: START}
    assert await store.load({0: ["a"]}) == {0: Loaded(START, [None])}


async def test_a_commit_writes_its_values_and_its_position(store: PartitionStore) -> None:
    assert await store.commit([Commit(0, START, 4, {"a": b"1", "b": b"2"})]) == {}

    assert await store.load({0: ["a", "b"]}) == {0: Loaded(4, [b"1", b"2"])}


async def test_values_come_in_the_order_asked_for_with_none_for_the_unknown(store: PartitionStore) -> None:
    await store.commit([Commit(0, START, 4, {"a": b"1", "b": b"2"})])

    assert await store.load({0: ["x", "b", "y", "a", "z"]}) == {0: Loaded(4, [None, b"2", None, b"1", None])}


async def test_bytes_of_any_kind_come_back_as_they_were(store: PartitionStore) -> None:
    value = bytes(range(256)) * 300
    await store.commit([Commit(0, START, 0, {"user:{1}:ü\n": value, "empty": b""})])

    assert await store.load({0: ["user:{1}:ü\n", "empty"]}) == {0: Loaded(0, [value, b""])}


async def test_a_later_commit_replaces_values_and_leaves_the_others(store: PartitionStore) -> None:
    await store.commit([Commit(0, START, 4, {"a": b"1", "b": b"2"})])
    await store.commit([Commit(0, 4, 9, {"b": b"3"})])

    assert await store.load({0: ["a", "b"]}) == {0: Loaded(9, [b"1", b"3"])}


async def test_a_commit_may_change_the_position_alone(store: PartitionStore) -> None:
    assert await store.commit([Commit(0, START, 4, {})]) == {}

    assert await store.positions([0]) == {0: 4}


@pytest.mark.parametrize("expected", [START, 3, 5])
async def test_a_commit_on_another_position_writes_nothing_and_says_where_it_is(
    store: PartitionStore, expected: int
) -> None:
    await store.commit([Commit(0, START, 4, {"a": b"1"})])

    assert await store.commit([Commit(0, expected, 6, {"a": b"2", "b": b"2"})]) == {0: 4}
    assert await store.load({0: ["a", "b"]}) == {0: Loaded(4, [b"1", None])}


async def test_a_commit_on_a_store_that_lost_everything_is_refused(store: PartitionStore) -> None:
    assert await store.commit([Commit(0, 4, 6, {"a": b"2"})]) == {0: START}
    assert await store.load({0: ["a"]}) == {0: Loaded(START, [None])}


async def test_a_commit_whose_reply_was_lost_may_be_made_again(store: PartitionStore) -> None:
    commit = Commit(0, START, 4, {"a": b"1"})
    await store.commit([commit])

    assert await store.commit([commit]) == {}
    assert await store.load({0: ["a"]}) == {0: Loaded(4, [b"1"])}


async def test_of_two_writers_one_is_refused(store: PartitionStore) -> None:
    refused = await asyncio.gather(
        store.commit([Commit(0, START, 4, {"a": b"mine", "b": b"mine"})]),
        store.commit([Commit(0, START, 5, {"a": b"theirs", "b": b"theirs"})]),
    )

    assert sorted(refused, key=len) in ([{}, {0: 4}], [{}, {0: 5}])
    found = (await store.load({0: ["a", "b"]}))[0]
    assert found in (Loaded(4, [b"mine"] * 2), Loaded(5, [b"theirs"] * 2))


async def test_several_partitions_are_written_and_read_in_one_call(store: PartitionStore) -> None:
    assert await store.commit([Commit(n, START, 10 + n, {"a": b"%d" % n}) for n in range(3)]) == {}

    assert await store.load({2: ["a"], 0: ["a", "b"], 1: []}) == {
        2: Loaded(12, [b"2"]),
        0: Loaded(10, [b"0", None]),
        1: Loaded(11, []),
    }
    assert await store.positions([0, 1, 2, 3]) == {0: 10, 1: 11, 2: 12, 3: START}


async def test_one_refused_partition_does_not_hold_up_the_others(store: PartitionStore) -> None:
    await store.commit([Commit(1, START, 50, {"a": b"old"})])

    refused = await store.commit(
        [
            Commit(0, START, 4, {"a": b"new"}),
            Commit(1, 49, 51, {"a": b"new"}),
            Commit(2, START, 6, {"a": b"new"}),
        ]
    )

    assert refused == {1: 50}
    assert await store.load({n: ["a"] for n in range(3)}) == {
        0: Loaded(4, [b"new"]),
        1: Loaded(50, [b"old"]),
        2: Loaded(6, [b"new"]),
    }


async def test_a_reader_never_sees_a_value_without_its_position(store: PartitionStore) -> None:
    async def write() -> None:
        for offset in range(100):
            await store.commit([Commit(0, offset - 1, offset, {"a": b"%d" % offset, "b": b"%d" % offset})])

    async def read() -> None:
        position = START
        while position < 99:
            (found,) = (await store.load({0: ["a", "b"]})).values()
            position = found.position
            assert found.values == ([None, None] if position == START else [b"%d" % position] * 2)
            await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(write(), read()), timeout=30)


async def test_offsets_beyond_what_a_double_holds_stay_exact(store: PartitionStore) -> None:
    await store.commit([Commit(0, START, 2**53 + 1, {})])

    assert await store.commit([Commit(0, 2**53 + 1, 2**62 + 3, {})]) == {}
    assert await store.positions([0]) == {0: 2**62 + 3}


async def test_nothing_asked_is_nothing_answered(store: PartitionStore) -> None:
    assert await store.load({}) == {}
    assert await store.commit([]) == {}
    assert await store.positions([]) == {}
