"""Turns come at even distances, whoever asks."""

import asyncio

import pytest

from streams.reembedding.pace import Pace


class Time:
    def __init__(self) -> None:
        self.now_s = 100.0
        self.slept: list[float] = []

    def clock_s(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def paced(per_second: float, time: Time) -> Pace:
    return Pace(per_second, clock_s=time.clock_s, sleep=time.sleep)


async def test_turns_that_are_asked_for_at_once_come_one_after_the_other() -> None:
    time = Time()
    pace = paced(4, time)
    await asyncio.gather(*(pace.turn() for _ in range(4)))
    assert time.slept == [0.25, 0.5, 0.75]


async def test_what_comes_late_is_not_made_up_for() -> None:
    time = Time()
    pace = paced(4, time)
    await pace.turn()
    time.now_s += 60
    await pace.turn()
    await pace.turn()
    assert time.slept == [pytest.approx(0.25)]


async def test_without_a_bound_nobody_waits() -> None:
    time = Time()
    pace = paced(0, time)
    for _ in range(100):
        await pace.turn()
    assert time.slept == []
