import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import numpy as np
import pytest

from features.behaviour import UNKNOWN, Behaviour, Engagement
from features.trends import NO_TRENDS, update_trends
from inference.exploration.newcomers import count_met
from state.degradations import Degradations
from state.errors import StateUnavailable
from state.memory import MemoryPartitions
from state.partitions import START, Commit, Loaded
from state.signals import Signals, SignalStore, partition_of
from streams.interactions import behaviour_cache as module
from streams.interactions.behaviour_cache import BehaviourCache
from tests.harness.catalog import NOW
from tests.harness.engagements import apply_engagement
from tests.harness.fakes import until

CLICKED = apply_engagement(UNKNOWN, Engagement(7, NOW, 1.0, ((8, 1.0),), 0, 0))


class Flaky(MemoryPartitions):
    """Partitions that can be away, and count the round trips."""

    away = False
    loads = 0

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        self.loads += 1
        if self.away:
            raise StateUnavailable("away")
        return await super().load(wanted)


class Told(Degradations):
    """Conditions that a test sets."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def current(self) -> list[str]:
        return self.names


@pytest.fixture
def partitions() -> Flaky:
    return Flaky()


@pytest.fixture
def store(partitions: Flaky) -> SignalStore:
    return SignalStore(partitions, partitions=4)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def behaviour_cache(store: SignalStore, told: Told) -> AsyncIterator[BehaviourCache]:
    behaviour_cache = BehaviourCache(store, told)
    yield behaviour_cache
    await behaviour_cache.stop()


async def put(store: SignalStore, key: int, *, expected: int = START) -> None:
    behaviours = {key: CLICKED}
    trends = update_trends(NO_TRENDS, behaviours, NOW)
    partition = partition_of(key, 4)
    await store.commit({partition: expected}, {partition: Signals(expected + 1, {}, trends, {}, behaviours)})


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 (what is awaited has no event)
            await asyncio.sleep(0.01)


def same(one: Behaviour, other: Behaviour) -> bool:
    return one.popular == other.popular and np.array_equal(one.neighbours, other.neighbours)


async def test_behaviours_that_nobody_knows_are_left_out(behaviour_cache: BehaviourCache, store: SignalStore) -> None:
    await put(store, 7)
    found = await behaviour_cache.behaviours([7, 9])

    assert list(found) == [7]
    assert same(found[7], CLICKED)


async def test_behaviours_are_asked_for_once(
    behaviour_cache: BehaviourCache, store: SignalStore, partitions: Flaky
) -> None:
    await put(store, 7)
    for _ in range(3):
        await behaviour_cache.behaviours([7, 9])

    assert partitions.loads == 1


async def test_only_what_is_not_known_is_asked_for(
    behaviour_cache: BehaviourCache, store: SignalStore, partitions: Flaky
) -> None:
    await put(store, 7)
    await behaviour_cache.behaviours([7])

    assert list(await behaviour_cache.behaviours([7, 9])) == [7]
    assert partitions.loads == 2


async def test_nothing_asked_is_no_round_trip(behaviour_cache: BehaviourCache, partitions: Flaky) -> None:
    assert await behaviour_cache.behaviours([]) == {}
    assert partitions.loads == 0


async def test_without_redis_there_are_no_behaviours(behaviour_cache: BehaviourCache, partitions: Flaky) -> None:
    partitions.away = True

    assert await behaviour_cache.behaviours([7]) == {}


async def test_the_cache_is_bounded(behaviour_cache: BehaviourCache, partitions: Flaky) -> None:
    await behaviour_cache.behaviours(range(module.BEHAVIOURS_LIMIT))
    await behaviour_cache.behaviours([module.BEHAVIOURS_LIMIT])
    loads = partitions.loads

    await behaviour_cache.behaviours([1])
    assert partitions.loads == loads
    await behaviour_cache.behaviours([0])
    assert partitions.loads == loads + 1


async def test_what_is_expected_is_read_beside_and_waited_for(
    behaviour_cache: BehaviourCache, store: SignalStore, partitions: Flaky
) -> None:
    await put(store, 7)
    behaviour_cache.prefetch([7, 9])
    behaviour_cache.prefetch([7])

    assert list(await behaviour_cache.behaviours([7])) == [7]
    assert partitions.loads == 1


async def test_a_known_behaviour_is_used_as_it_is_and_read_again_in_the_background(
    store: SignalStore, told: Told
) -> None:
    class Impatient(BehaviourCache):
        """Finds everything old at once."""

        behaviour_age_s = 0.0

    behaviour_cache = Impatient(store, told)
    await behaviour_cache.start()
    assert await behaviour_cache.behaviours([7]) == {}
    await put(store, 7)
    assert await behaviour_cache.behaviours([7]) == {}
    async with asyncio.timeout(20):
        while not await behaviour_cache.behaviours([7]):  # noqa: ASYNC110 (what is awaited has no event)
            await asyncio.sleep(0.01)
    await behaviour_cache.stop()


async def test_trends_and_conditions_are_there_soon_after_the_start(
    behaviour_cache: BehaviourCache, store: SignalStore, told: Told
) -> None:
    await put(store, 7)
    told.names = ["encoder"]
    await behaviour_cache.start()
    await eventually(lambda: len(behaviour_cache.trends) > 0 and behaviour_cache.degraded == ["encoder"])

    assert behaviour_cache.trends["item"].tolist() == [7]


async def test_trends_are_refreshed(behaviour_cache: BehaviourCache, store: SignalStore) -> None:
    await behaviour_cache.start()
    await put(store, 6)
    await eventually(lambda: behaviour_cache.trends["item"].tolist() == [6])


async def test_a_redis_that_is_away_degrades_the_lists_until_it_is_back(
    behaviour_cache: BehaviourCache, store: SignalStore, partitions: Flaky
) -> None:
    await put(store, 7)
    await behaviour_cache.start()
    await eventually(lambda: len(behaviour_cache.trends) == 1)
    partitions.away = True
    await eventually(lambda: behaviour_cache.degraded == ["crowd"])
    assert len(behaviour_cache.trends) == 1  # what was known goes on being used

    partitions.away = False
    await eventually(lambda: behaviour_cache.degraded == [])


async def test_a_corrupt_value_degrades_the_lists_until_it_is_mended(
    behaviour_cache: BehaviourCache, partitions: Flaky
) -> None:
    await partitions.commit([Commit(0, START, 0, {"trends": b"hello"})])
    await behaviour_cache.start()
    await eventually(lambda: behaviour_cache.degraded == ["crowd"])

    await partitions.commit([Commit(0, 0, 1, {"trends": b""})])
    await eventually(lambda: behaviour_cache.degraded == [])


async def test_a_crowd_that_never_started_may_be_stopped(behaviour_cache: BehaviourCache) -> None:
    await behaviour_cache.stop()


async def test_a_refresh_that_fails_by_a_fault_of_ours_says_so_and_stops_all_the_same(store: SignalStore) -> None:
    class Faulty(Told):
        async def current(self) -> list[str]:
            raise ZeroDivisionError("a bug")

    faulty = BehaviourCache(store, Faulty())
    assert faulty.failure is None
    await faulty.start()
    await until(lambda: isinstance(faulty.failure, ZeroDivisionError))
    await faulty.stop()


async def test_how_many_met_the_latest_uploads_is_read_in_the_background(store: SignalStore, told: Told) -> None:
    await put(store, 7)
    behaviour_cache = BehaviourCache(store, told, latest=lambda: [7, 9])
    await behaviour_cache.start()
    await eventually(lambda: len(behaviour_cache.met) > 0)
    await behaviour_cache.stop()

    assert behaviour_cache.met.tolist() == count_met({7: CLICKED}).tolist()
