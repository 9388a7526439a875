from collections.abc import Collection

import pytest
from faust.types import TP

from streams.errors import BrokerUnavailable
from streams.worker.liveness import ASK_EVERY_S, STUCK_S, Liveness

CLICKS = TP("events.interactions", 0)


class World:
    """A worker's Kafka and clock; `pass_s` lets time pass while the worker looks once a second."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.end = 10
        self.handled = 9
        self.away = False
        self.asked = 0
        self.liveness = Liveness(self.read_ends, clock_s=lambda: self.now_s)

    async def read_ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        self.asked += 1
        if self.away:
            raise BrokerUnavailable("no answer")
        return dict.fromkeys(partitions, self.end)

    async def pass_s(self, seconds: float) -> list[str]:
        for _ in range(round(seconds)):
            self.now_s += 1
            await self.liveness.look({CLICKS: self.handled})
        return self.liveness.problems()


@pytest.fixture
def world() -> World:
    return World()


async def test_a_worker_with_nothing_to_do_lives(world: World) -> None:
    assert await world.pass_s(600) == []


async def test_a_worker_with_work_that_does_none_is_stuck_within_a_minute(world: World) -> None:
    await world.pass_s(60)
    world.end = 17
    (problem,) = await world.pass_s(ASK_EVERY_S + STUCK_S + 1)
    assert problem.startswith("7 records wait, all services answer")


async def test_it_is_not_stuck_before_half_a_minute(world: World) -> None:
    await world.pass_s(60)
    world.end = 17
    assert await world.pass_s(STUCK_S - 1) == []


async def test_a_worker_that_finishes_batches_lives_however_much_waits(world: World) -> None:
    world.end = 1_000_000
    for _ in range(20):
        world.handled += 1
        assert await world.pass_s(20) == []


async def test_a_worker_whose_service_refuses_again_and_again_lives(world: World) -> None:
    world.end = 17
    for _ in range(100):
        world.liveness.moved()
        assert await world.pass_s(7) == []


async def test_a_worker_that_hangs_after_the_service_came_back_is_stuck(world: World) -> None:
    world.end = 17
    await world.pass_s(25)
    world.liveness.moved()
    assert await world.pass_s(STUCK_S) == []
    assert await world.pass_s(2 * ASK_EVERY_S) != []


async def test_a_worker_lives_while_kafka_is_away(world: World) -> None:
    world.end = 17
    world.away = True
    assert await world.pass_s(600) == []


async def test_a_stuck_worker_that_moves_again_lives(world: World) -> None:
    world.end = 17
    assert await world.pass_s(60) != []
    world.handled = 16
    assert await world.pass_s(1) == []


async def test_kafka_is_not_asked_while_batches_are_finished(world: World) -> None:
    for _ in range(60):
        world.handled += 1
        world.end += 1
        await world.pass_s(1)
    assert world.asked == 0


async def test_a_worker_without_partitions_lives(world: World) -> None:
    await world.liveness.look({})
    world.now_s += 3600
    await world.liveness.look({})
    assert world.liveness.problems() == []
