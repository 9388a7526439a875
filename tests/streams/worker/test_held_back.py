"""Transactions that stay open, as a worker tells of them."""

import pytest
from faust.types import TP
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from streams.worker.held_back import LONG_S, HeldBack

CLICKS = TP("events.interactions", 3)


class World:
    """A worker that looks once a second."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.held_back = HeldBack(clock_s=lambda: self.now_s)

    def pass_s(self, seconds: float, *offsets: int) -> list[str]:
        """Time passes, with these offsets in turn as the place where a transaction is open; what is logged."""
        with capture_logs() as logs:
            for second in range(round(seconds)):
                self.now_s += 1
                self.held_back.look({CLICKS: offsets[second % len(offsets)]} if offsets else {})
        return [each["event"] for each in logs]


@pytest.fixture
def world() -> World:
    return World()


def held_s() -> float | None:
    return REGISTRY.get_sample_value("sightline_held_back_seconds", {"topic": "events.interactions", "partition": "3"})


def test_without_an_open_transaction_there_is_no_sample(world: World) -> None:
    assert (world.pass_s(10), held_s()) == ([], None)


def test_a_transaction_that_stays_open_is_measured_and_logged_once(world: World) -> None:
    assert (world.pass_s(LONG_S, 41), held_s()) == ([], LONG_S - 1)
    assert (world.pass_s(60, 41), held_s()) == (["held_back"], LONG_S + 59)
    assert (world.pass_s(1), held_s()) == (["held_back_no_more"], None)


def test_many_short_transactions_are_none_that_stays_open(world: World) -> None:
    assert (world.pass_s(200, 41, 44, 47), held_s()) == ([], 0)


def test_the_log_says_where_and_what_to_do(world: World) -> None:
    with capture_logs() as logs:
        for _ in range(round(LONG_S) + 1):
            world.now_s += 1
            world.held_back.look({CLICKS: 41})
    (line,) = logs
    assert (line["topic"], line["partition"]) == ("events.interactions", 3)
    assert "begins at offset 41 has been open for 60 s" in line["reason"]
    assert "kafka-transactions.sh find-hanging" in line["reason"]
