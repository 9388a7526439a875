"""When an agent stops rather than refuse a whole topic."""

import asyncio

import pytest
from prometheus_client import REGISTRY

from streams.processing.breaker import Breaker, RefusalLimit

LIMIT = RefusalLimit(share=0.5, least=10, window_s=60.0)


class Clock:
    """Stands still at `now_s`."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("events.of.mine", LIMIT, clock_s=clock)


def metric() -> float | None:
    return REGISTRY.get_sample_value("sightline_breaker_open", {"topic": "events.of.mine"})


def test_good_messages_are_admitted_without_end(breaker: Breaker) -> None:
    assert all(breaker.admits(100, 0) for _ in range(100))
    assert breaker.reason is None


def test_just_the_share_is_admitted_and_one_more_is_not(breaker: Breaker) -> None:
    assert breaker.admits(10, 5)
    assert not breaker.admits(1, 1)


def test_too_few_messages_say_nothing_even_if_all_are_refused(breaker: Breaker) -> None:
    assert breaker.admits(9, 9)
    assert not breaker.admits(1, 1)


def test_one_large_batch_is_stopped_as_a_whole(breaker: Breaker) -> None:
    assert not breaker.admits(256, 256)


def test_messages_that_are_older_than_the_window_do_not_count(breaker: Breaker, clock: Clock) -> None:
    assert breaker.admits(9, 9)
    clock.now_s += 60.1
    assert breaker.admits(9, 9)
    clock.now_s += 59.9
    assert not breaker.admits(1, 1)


def test_good_messages_in_the_window_count_against_refused_ones(breaker: Breaker) -> None:
    assert breaker.admits(90, 0)
    assert breaker.admits(90, 90)
    assert not breaker.admits(1, 1)


def test_an_open_breaker_admits_nothing_however_good(breaker: Breaker, clock: Clock) -> None:
    breaker.admits(10, 10)
    clock.now_s += 3600
    assert not breaker.admits(1000, 0)


def test_a_share_of_one_never_stops(clock: Clock) -> None:
    assert Breaker("t", RefusalLimit(share=1.0, least=1), clock_s=clock).admits(1000, 1000)


def test_a_share_of_nothing_stops_at_the_first_one(clock: Clock) -> None:
    assert not Breaker("t", RefusalLimit(share=0.0, least=1), clock_s=clock).admits(1, 1)


def test_the_reason_says_what_was_refused_and_what_to_do(breaker: Breaker) -> None:
    breaker.admits(10, 10)
    assert breaker.reason is not None
    assert "10 of the last 10 messages of events.of.mine" in breaker.reason
    assert "SIGHTLINE_REFUSED_SHARE=1" in breaker.reason


def test_the_metric_tells_open_from_closed(breaker: Breaker) -> None:
    assert metric() == 0
    breaker.admits(10, 10)
    assert metric() == 1


async def test_a_check_returns_while_the_breaker_is_closed(breaker: Breaker) -> None:
    async with asyncio.timeout(10):
        await breaker.check(10, 5)


async def test_a_check_that_opens_the_breaker_waits_until_it_is_cancelled(breaker: Breaker) -> None:
    waiting = asyncio.create_task(breaker.check(10, 10))
    await asyncio.sleep(0)
    assert (waiting.done(), breaker.reason is not None) == (False, True)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
