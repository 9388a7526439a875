"""Lists with the index of others: asked in time, remembered, and done without. On a real Redis of its own."""

import uuid
from collections.abc import AsyncIterator
from typing import NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.redis_cluster import RedisNode
from features.profile import NEW, Profile
from features.search_filter import NO_FILTER, SearchFilter
from inference.catalog.catalog import Catalog
from inference.catalog.index import NullIndex
from inference.recommender import Recommender
from state.errors import StateUnavailable
from state.redis import connect
from state.vector_sets import NOWHERE, Indexed, Place, VectorSets
from streams.catalog.index_client import IndexClient
from tests.harness.catalog import DIMENSIONS, ENCODER, NOW, act, item, profile_of, reds_and_blues, vector
from tests.harness.fakes import until

pytestmark = pytest.mark.stack
WAIT_S = 10.0


class Shop:
    """A catalogue of reds and blues, and the index that others keep of it."""

    def __init__(self, url: str) -> None:
        self.client = connect(url, timeout_s=WAIT_S)
        self.sets = VectorSets(self.client, f"{uuid.uuid4().hex}.", 2, observe=lambda op, seconds: None)
        self.catalog = Catalog(DIMENSIONS, NullIndex())
        self.catalog.apply(reds_and_blues(6))
        self.index_client = IndexClient(self.sets, self.catalog)

    async def fill(self, count: int = 12) -> None:
        """Have so many of the items in the index."""
        keys = self.catalog.keys[:count].tolist()
        vectors = self.catalog.pictures.vectors(np.arange(count))
        await self.sets.store(
            0,
            NOWHERE,
            Place(0, "topic", 0),
            {key: Indexed({ENCODER: vector}, "any", 5.0) for key, vector in zip(keys, vectors, strict=True)},
        )

    def looks_like(self, name: str) -> set[str]:
        """What a list would be told to look like an item, but for what is new."""
        row = self.catalog.row_of(name)
        assert row is not None
        if self.catalog.pictures.unknown_similar([np.array([row])]):
            return set()
        return {self.catalog.item_ids[found] for found in self.catalog.pictures.similar([np.array([row])])[0].tolist()}


@pytest.fixture
async def shop(redis_node: RedisNode) -> AsyncIterator[Shop]:
    shop = Shop(redis_node.url)
    yield shop
    await shop.index_client.stop()
    await shop.client.aclose()


def fan_of(name: str) -> Profile:
    return profile_of(act(name))


def needs(catalog: Catalog, *profiles: Profile) -> list[NDArray[np.int64]]:
    return Recommender(catalog, length=1).prepare(profiles, NOW).medoids()


async def test_what_a_list_needs_is_known_before_it_is_made(shop: Shop) -> None:
    await shop.fill()
    await shop.index_client.prefetch(needs(shop.catalog, fan_of("red-0")))

    assert {f"red-{n}" for n in range(6)} <= shop.looks_like("red-0")
    assert shop.index_client.degraded == []


async def test_what_is_remembered_is_not_asked_for_again(shop: Shop) -> None:
    await shop.fill()
    await shop.index_client.prefetch(needs(shop.catalog, fan_of("red-0")))
    await shop.client.aclose()
    shop.index_client = IndexClient(
        VectorSets(connect("redis://127.0.0.1:1"), "", 1, observe=lambda *_: None), shop.catalog
    )

    await shop.index_client.prefetch(needs(shop.catalog, fan_of("red-0")))

    assert shop.index_client.degraded == []


async def test_a_user_whom_nobody_knows_asks_for_nothing(shop: Shop) -> None:
    await shop.index_client.prefetch(needs(shop.catalog, fan_of("unheard of"), NEW))

    assert shop.index_client.degraded == []


async def test_an_index_that_is_away_is_done_without_and_told_of(shop: Shop) -> None:
    index_client = IndexClient(VectorSets(connect("redis://127.0.0.1:1"), "", 1, observe=lambda *_: None), shop.catalog)
    await index_client.prefetch(needs(shop.catalog, fan_of("red-0")))

    assert index_client.degraded == ["index"]
    assert shop.looks_like("red-0") == set()
    with pytest.raises(StateUnavailable):
        await index_client.find_similar(vector("red-0"), 3, NO_FILTER)


async def test_an_index_that_hangs_delays_a_list_only_once(shop: Shop, redis_node: RedisNode) -> None:
    await shop.fill()
    redis_node.pause()
    try:
        await shop.index_client.prefetch(needs(shop.catalog, fan_of("red-0")))
        assert shop.index_client.degraded == ["index"]
        # Nobody waits for this one, nor is it asked for yet.
        await shop.index_client.prefetch(needs(shop.catalog, fan_of("blue-0")))
    finally:
        redis_node.resume()

    await until(lambda: shop.index_client.degraded == [])
    assert {f"red-{n}" for n in range(6)} <= shop.looks_like("red-0")
    assert shop.looks_like("blue-0") == set()
    await shop.index_client.prefetch(needs(shop.catalog, fan_of("blue-0")))
    assert {f"blue-{n}" for n in range(6)} <= shop.looks_like("blue-0")


async def test_an_index_that_is_back_is_noticed_where_nobody_asks(shop: Shop, redis_node: RedisNode) -> None:
    await shop.fill()
    redis_node.kill()
    await shop.index_client.look()
    assert shop.index_client.degraded == ["index"]

    redis_node.start()
    await shop.fill()
    await shop.index_client.look()
    assert shop.index_client.degraded == []


async def test_an_index_that_is_being_filled_is_told_of(shop: Shop) -> None:
    await shop.fill(6)
    await shop.index_client.look()

    assert shop.index_client.degraded == ["index"]


async def test_a_full_index_is_not_told_of(shop: Shop) -> None:
    await shop.fill()
    await shop.index_client.start()

    assert shop.index_client.degraded == []


async def test_a_picture_finds_what_looks_like_it_the_nearest_first(shop: Shop) -> None:
    await shop.fill()
    rows = await shop.index_client.find_similar(vector("red-2"), 3, NO_FILTER)

    names = [shop.catalog.item_ids[row] for row in rows.tolist()]
    assert names[0] == "red-2"
    assert [name.partition("-")[0] for name in names] == ["red"] * 3


async def test_what_the_catalogue_knows_better_counts(shop: Shop) -> None:
    await shop.fill()
    shop.catalog.apply([("red-0", item("red-0", hidden=True)), ("red-1", None), ("red-2", item("red-2", price=50.0))])
    shop.catalog.apply([("red-3", item("red-3", category="any", price=5.0))])

    for few in (0, 100):
        index_client = IndexClient(shop.sets, shop.catalog, few=few)
        rows = await index_client.find_similar(vector("red-0"), 12, SearchFilter("any", None, 10.0))
        assert [shop.catalog.item_ids[row] for row in rows.tolist()] == ["red-3"]


async def test_among_few_items_a_search_needs_no_index(shop: Shop) -> None:
    index_client = IndexClient(VectorSets(connect("redis://127.0.0.1:1"), "", 1, observe=lambda *_: None), shop.catalog)

    rows = await index_client.find_similar(vector("red-2"), 1, SearchFilter("red"))

    assert [shop.catalog.item_ids[row] for row in rows.tolist()] == ["red-2"]


async def test_a_search_that_fails_by_a_fault_of_ours_says_so(shop: Shop) -> None:
    class Faulty(VectorSets):
        async def search(self, *_: object, **__: object) -> NoReturn:
            raise ZeroDivisionError("a bug")

    client = IndexClient(Faulty(shop.client, "t.", 2, observe=lambda op, seconds: None), shop.catalog)
    assert client.failure is None
    await client.prefetch(needs(shop.catalog, fan_of("red-0")))
    await until(lambda: isinstance(client.failure, ZeroDivisionError))
    await client.stop()
