import numpy as np
import pytest

from features.behaviour import UNKNOWN, Engagement
from features.item import key_of
from features.trends import NO_TRENDS, update_trends
from state.memory import MemoryPartitions
from state.partitions import START
from state.signals import Signals, SignalStore, Wanted, partition_of
from tests.harness.catalog import NOW, item
from tests.harness.engagements import apply_engagement

CLICKED = apply_engagement(UNKNOWN, Engagement(7, NOW, 1.0, ((8, 1.0),), 0, 0))


@pytest.fixture
def store() -> SignalStore:
    return SignalStore(MemoryPartitions(), partitions=4)


def signals(*keys: int, position: int = 5) -> Signals:
    behaviours = dict.fromkeys(keys, CLICKED)
    return Signals(position, {0: 60}, update_trends(NO_TRENDS, behaviours, NOW), {}, behaviours)


async def test_a_partition_starts_with_nothing(store: SignalStore) -> None:
    loaded = (await store.load({3: Wanted(["red-1"], [7])}))[3]

    assert (loaded.position, loaded.sources, loaded.items, loaded.behaviours) == (START, {}, {}, {})
    assert len(loaded.trends) == 0


async def test_what_is_committed_comes_back(store: SignalStore) -> None:
    shoe = item("red-1")
    given = Signals(5, {0: 60, 2: 18}, update_trends(NO_TRENDS, {7: CLICKED}, NOW), {"red-1": shoe}, {7: CLICKED})
    assert await store.commit({3: START}, {3: given}) == {}

    loaded = (await store.load({3: Wanted(["blue-1", "red-1"], [9, 7])}))[3]

    assert (loaded.position, loaded.sources, loaded.items) == (5, {0: 60, 2: 18}, {"red-1": shoe})
    assert loaded.trends.tolist() == given.trends.tolist()
    assert list(loaded.behaviours) == [7]
    np.testing.assert_array_equal(loaded.behaviours[7].neighbours, CLICKED.neighbours)
    assert await store.positions([3]) == {3: 5}


async def test_a_refused_commit_writes_nothing(store: SignalStore) -> None:
    await store.commit({3: START}, {3: signals(7)})

    assert await store.commit({3: 4}, {3: signals(11, position=6)}) == {3: 5}
    assert (await store.load({3: Wanted([], [11])}))[3].behaviours == {}


async def test_behaviours_are_found_in_whatever_partition_they_are(store: SignalStore) -> None:
    keys = [4, 5, 2**64 - 1]
    for key in keys:
        await store.commit({partition_of(key, 4): START}, {partition_of(key, 4): signals(key)})

    found = await store.behaviours([*keys, 6, 12])

    assert sorted(found) == keys


async def test_no_items_have_no_behaviours(store: SignalStore) -> None:
    assert await store.behaviours([]) == {}


async def test_the_trends_are_those_of_all_partitions(store: SignalStore) -> None:
    await store.commit({0: START, 3: START}, {0: signals(4), 3: signals(7, 11)})

    assert sorted((await store.trends())["item"].tolist()) == [4, 7, 11]


async def test_there_are_no_trends_at_the_start(store: SignalStore) -> None:
    assert len(await store.trends()) == 0


async def test_items_are_found_in_whatever_partition_they_are(store: SignalStore) -> None:
    shoes = {name: item(name) for name in ("red-1", "red-2", "blue-3")}
    for name, shoe in shoes.items():
        place = partition_of(key_of(name), 4)
        held = (await store.positions([place]))[place]
        await store.commit({place: held}, {place: Signals(held + 1, {}, NO_TRENDS, {name: shoe}, {})})

    assert await store.items([*shoes, "nowhere"]) == shoes
    assert await store.items([]) == {}
