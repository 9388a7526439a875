"""What the shared index does beyond the contract of an index: places, encoders, limits, and a Redis that is away."""

import uuid
from collections.abc import AsyncIterator, Mapping

import numpy as np
import pytest

from deploy.redis_cluster import RedisNode
from features.item import key_of, picture_key
from features.search_filter import NO_FILTER, SearchFilter
from state.errors import StateUnavailable
from state.redis import Client, connect
from state.redis_login import COMMANDS, VECTOR_COMMANDS, RedisAccess
from state.vector_sets import NOWHERE, Indexed, Place, VectorSets

pytestmark = pytest.mark.stack
AXES = np.eye(8, dtype=np.float32)
KEYS = {name: key_of(name) for name in ("a", "b", "c", "d")}
#: By the axis that is an item's picture: a has the first unless a test says otherwise.
PICTURES = {picture_key(axis.astype("<f2").tobytes()): name for axis, name in zip(AXES, KEYS, strict=False)}


@pytest.fixture
async def client(redis_node: RedisNode) -> AsyncIterator[Client]:
    client = connect(redis_node.url)
    yield client
    await client.aclose()


@pytest.fixture
def prefix() -> str:
    return f"{uuid.uuid4().hex}."


@pytest.fixture
def sets(client: Client, prefix: str) -> VectorSets:
    return index_of(client, prefix)


def index_of(client: Client, prefix: str, shards: int = 2) -> VectorSets:
    return VectorSets(client, prefix, shards, observe=lambda op, seconds: None)


async def put(sets: VectorSets, partition: int, position: int, changes: Mapping[int, Indexed | None]) -> None:
    """Write as the partition's only writer does."""
    place = Place(position, "topic", 1000)
    assert await sets.store(partition, (await sets.places([partition]))[partition], place, changes) == place


def indexed(axis: int = 0, encoder: str = "e@1", **attributes: object) -> Indexed:
    return Indexed({encoder: AXES[axis]}, **attributes)  # type: ignore[arg-type]  # a test's own fields


async def found(sets: VectorSets, where: SearchFilter = NO_FILTER, encoder: str = "e@1", axis: int = 0) -> list[str]:
    """The names of the pictures that are found, in order."""
    keys, similarities = await sets.search(encoder, AXES[axis : axis + 1], 4, where)
    return [PICTURES[key] for key in keys[similarities > -1].tolist()]


# Places


async def test_a_partition_is_nowhere_before_its_first_offset(sets: VectorSets) -> None:
    assert await sets.places([0, 7]) == {0: NOWHERE, 7: NOWHERE}


async def test_a_place_says_how_far_which_topic_was_indexed_and_when(
    client: Client, prefix: str, sets: VectorSets
) -> None:
    await put(sets, 3, 41, {KEYS["a"]: indexed()})

    assert await index_of(client, prefix).places([3]) == {3: Place(41, "topic", 1000)}


async def test_a_writer_that_was_replaced_is_refused_and_changes_nothing(client: Client, prefix: str) -> None:
    old, new = index_of(client, prefix), index_of(client, prefix)
    await put(new, 0, 5, {KEYS["a"]: None})

    held = await old.store(0, NOWHERE, Place(3, "topic", 2000), {KEYS["a"]: indexed()})

    assert held == Place(5, "topic", 1000)
    assert await found(new) == []


async def test_a_write_whose_answer_was_lost_is_known_by_its_place(sets: VectorSets) -> None:
    again = Place(5, "topic", 2000)
    await put(sets, 0, 5, {KEYS["a"]: indexed()})

    assert (await sets.store(0, NOWHERE, again, {KEYS["a"]: indexed()})).is_at(again)


async def test_partitions_of_one_shard_have_places_of_their_own(sets: VectorSets) -> None:
    await put(sets, 0, 5, {KEYS["a"]: indexed()})
    await put(sets, 2, 8, {KEYS["b"]: indexed(1)})

    places = await sets.places([0, 1, 2])
    assert [places[partition].position for partition in (0, 1, 2)] == [5, -1, 8]


async def test_a_cleared_shard_begins_anew_and_the_other_stays(sets: VectorSets) -> None:
    await put(sets, 0, 5, {KEYS["a"]: indexed()})
    await put(sets, 1, 6, {KEYS["b"]: indexed(1)})
    await sets.clear(0, range(4))

    assert {p: place.position for p, place in (await sets.places([0, 1])).items()} == {0: -1, 1: 6}
    assert await found(sets) == ["b"]


async def test_another_number_of_shards_is_another_index(client: Client, prefix: str) -> None:
    await put(index_of(client, prefix, shards=2), 0, 5, {KEYS["a"]: indexed()})

    assert await index_of(client, prefix, shards=3).places([0]) == {0: NOWHERE}


# Encoders


async def test_vectors_of_two_encoders_do_not_meet(sets: VectorSets) -> None:
    await put(sets, 0, 1, {KEYS["a"]: indexed(encoder="e@1"), KEYS["b"]: indexed(1, encoder="e@2")})

    assert (await found(sets, encoder="e@1"), await found(sets, encoder="e@2")) == (["a"], ["b"])


async def test_an_item_that_is_encoded_again_leaves_its_old_encoders_vectors(client: Client, prefix: str) -> None:
    await put(index_of(client, prefix), 0, 1, {KEYS["a"]: indexed(encoder="e@1")})
    another = index_of(client, prefix)
    await put(another, 0, 2, {KEYS["a"]: indexed(encoder="e@2")})

    assert (await found(another, encoder="e@1"), await found(another, encoder="e@2")) == ([], ["a"])


async def test_an_item_is_taken_out_whatever_encoder_it_had(client: Client, prefix: str) -> None:
    await put(index_of(client, prefix), 0, 1, {KEYS["a"]: indexed(encoder="e@1")})
    another = index_of(client, prefix)
    await put(another, 0, 2, {KEYS["a"]: None})

    assert await another.count("e@1", 8) == 0


async def test_vectors_of_two_lengths_do_not_meet(sets: VectorSets) -> None:
    longer = Indexed({"e@1": np.eye(16, dtype=np.float32)[0]})
    await put(sets, 0, 1, {KEYS["a"]: indexed(), KEYS["b"]: longer})

    assert (await sets.count("e@1", 8), await sets.count("e@1", 16)) == (1, 1)


# Limits


@pytest.fixture
async def shop(sets: VectorSets) -> VectorSets:
    await put(
        sets,
        0,
        1,
        {
            KEYS["a"]: indexed(0, category="shoes", price=19.99),
            KEYS["b"]: indexed(1, category="shoes", price=80.0),
            KEYS["c"]: indexed(2, category='ha"ts\\ & naïve', price=1e300),
            KEYS["d"]: indexed(3),
        },
    )
    return sets


async def test_without_limits_all_are_found(shop: VectorSets) -> None:
    assert sorted(await found(shop)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SearchFilter(category="shoes"), ["a", "b"]),
        (SearchFilter(category='ha"ts\\ & naïve'), ["c"]),
        (SearchFilter(category='x" or .price > 0 or .category == "'), []),
        (SearchFilter(max_price=19.99), ["a"]),
        (SearchFilter(max_price=19.98), []),
        (SearchFilter(min_price=19.99), ["a", "b", "c"]),
        (SearchFilter(min_price=20.0, max_price=1e5), ["b"]),
        (SearchFilter(category="shoes", max_price=50.0), ["a"]),
        (SearchFilter(min_price=0.0), ["a", "b", "c"]),
        (SearchFilter(min_price=1e-7, max_price=1e16), ["a", "b"]),
    ],
)
async def test_only_what_is_within_the_limits_is_found(
    shop: VectorSets, where: SearchFilter, expected: list[str]
) -> None:
    assert sorted(await found(shop, where)) == expected


async def test_a_new_price_counts_at_once(shop: VectorSets) -> None:
    await put(shop, 0, 2, {KEYS["b"]: indexed(1, category="shoes", price=10.0)})

    assert sorted(await found(shop, SearchFilter(max_price=50.0))) == ["a", "b"]


# Copies


async def test_a_picture_that_many_items_show_is_found_once_until_the_last_of_them_left(sets: VectorSets) -> None:
    await put(sets, 0, 1, {KEYS["a"]: indexed(), KEYS["b"]: indexed(), KEYS["c"]: indexed(1)})
    assert (await found(sets), await sets.count("e@1", 8)) == (["a", "b"], 2)

    await put(sets, 0, 2, {KEYS["a"]: None})
    assert await found(sets) == ["a", "b"]

    await put(sets, 0, 3, {KEYS["b"]: indexed(2)})
    assert sorted(await found(sets)) == ["b", "c"]


async def test_copies_in_two_shards_are_one_picture(sets: VectorSets) -> None:
    await put(sets, 0, 1, {KEYS["a"]: indexed()})
    await put(sets, 1, 1, {KEYS["b"]: indexed()})

    assert await found(sets) == ["a"]


async def test_a_picture_that_many_items_show_may_be_within_any_limit(sets: VectorSets) -> None:
    items = {KEYS["a"]: indexed(category="hats", price=5.0), KEYS["b"]: indexed(category="shoes", price=9.0)}
    await put(sets, 0, 1, items | {KEYS["c"]: indexed(1, category="hats")})

    assert await found(sets, SearchFilter("shoes", min_price=7.0)) == ["a"]
    assert await found(sets, SearchFilter("hats")) == ["a", "b"]


async def test_the_limits_of_the_only_item_that_is_left_are_known_with_its_next_change(sets: VectorSets) -> None:
    await put(sets, 0, 1, {KEYS["a"]: indexed(price=5.0), KEYS["b"]: indexed(price=9.0)})
    await put(sets, 0, 2, {KEYS["a"]: None, KEYS["b"]: indexed(price=9.5)})

    assert await found(sets, SearchFilter(max_price=7.0)) == []
    assert await found(sets, SearchFilter(max_price=9.5)) == ["a"]


async def test_an_item_that_comes_again_counts_once(sets: VectorSets) -> None:
    for position in (1, 2, 3):
        await put(sets, 0, position, {KEYS["a"]: indexed()})
    await put(sets, 0, 4, {KEYS["a"]: None})

    assert await sets.count("e@1", 8) == 0


# Time


async def test_what_expired_leaves_its_shard(sets: VectorSets) -> None:
    await put(sets, 0, 1, {KEYS["a"]: indexed(expires_at_ms=50), KEYS["b"]: indexed(1, expires_at_ms=51)})
    await put(sets, 0, 2, {KEYS["c"]: indexed(2)})

    assert (await sets.expire(0, 50, 9), await sets.expire(0, 50, 9), await sets.expire(1, 50, 9)) == (1, 0, 0)
    assert sorted(await found(sets)) == ["b", "c"]


async def test_what_expires_later_than_it_did_stays(sets: VectorSets) -> None:
    await put(sets, 0, 1, {KEYS["a"]: indexed(expires_at_ms=50), KEYS["b"]: indexed(1, expires_at_ms=50)})
    await put(sets, 0, 2, {KEYS["a"]: indexed(expires_at_ms=60), KEYS["b"]: indexed(1)})

    assert await sets.expire(0, 59, 9) == 0
    assert await found(sets) == ["a", "b"]


async def test_of_many_that_expired_some_leave_at_a_time(sets: VectorSets) -> None:
    await put(sets, 0, 1, {KEYS[name]: indexed(axis, expires_at_ms=50) for axis, name in enumerate(KEYS)})

    assert [await sets.expire(0, 50, 3) for _ in range(3)] == [3, 1, 0]
    assert await found(sets) == []


# Redis


async def test_nobody_there_is_unavailable(prefix: str) -> None:
    client = connect("redis://127.0.0.1:1")
    sets = index_of(client, prefix)

    with pytest.raises(StateUnavailable):
        await sets.search("e@1", AXES[:1], 3)
    await client.aclose()


async def test_what_a_set_is_named_that_is_no_set_is_unavailable(client: Client, prefix: str, sets: VectorSets) -> None:
    await client.set(f"sightline:{prefix}:{{index/0/2}}:vectors:8:e@1", "?")

    with pytest.raises(StateUnavailable, match="WRONGTYPE"):
        await sets.count("e@1", 8)


async def test_the_rights_of_the_workers_user_are_enough(redis_node: RedisNode, client: Client, prefix: str) -> None:
    user, rules = f"u{uuid.uuid4().hex}", f"{COMMANDS} {VECTOR_COMMANDS}".split()
    await client.execute_command("ACL", "SETUSER", user, "on", ">secret", *rules)
    allowed = connect(redis_node.url, access=RedisAccess(username=user, password="secret"))
    sets = index_of(allowed, prefix)

    await put(sets, 0, 1, {KEYS["a"]: indexed(), KEYS["b"]: None})
    assert (await found(sets), await sets.count("e@1", 8)) == (["a"], 1)
    await sets.clear(0, [0])

    await allowed.aclose()
    await client.execute_command("ACL", "DELUSER", user)
