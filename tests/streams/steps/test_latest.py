from collections.abc import Callable

import pytest

from streams.kafka.continuity import Log
from streams.steps.latest import read_latest
from streams.wire.records import Record
from streams.wire.steps import encode_steps
from tests.harness.fakes import NOON, MemoryLog

TOPIC = "state.steps"


def write(log: MemoryLog, partition: int, *seconds: int, steps: int = 1) -> None:
    """A message with so many steps at each of these times."""
    for second in seconds:
        value = encode_steps((n, NOON, 1, 7) for n in range(steps))
        log.append(TOPIC, partition, None, value, at_ms=NOON + 1000 * second)


def latest(log: MemoryLog, limit: int, is_late: Callable[[], bool] = lambda: False) -> list[tuple[int, int]]:
    """What is read, as (second, partition)."""
    found = read_latest(log, Log(TOPIC, "id", {p: log.extent(TOPIC, p) for p in range(3)}), limit, is_late)
    return [(second(each), each.partition) for each in found]


def second(record: Record) -> int:
    return (record.timestamp_ms - NOON) // 1000


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def test_an_empty_topic_has_none(log: MemoryLog) -> None:
    assert latest(log, 100) == []


def test_a_short_topic_is_read_whole_in_the_order_of_time(log: MemoryLog) -> None:
    write(log, 0, 1, 5, 6)
    write(log, 2, 2, 3, 7)

    assert latest(log, 100) == [(1, 0), (2, 2), (3, 2), (5, 0), (6, 0), (7, 2)]


def test_of_a_long_topic_the_newest_are_read_from_whichever_partition_has_them(log: MemoryLog) -> None:
    write(log, 0, *range(1000))
    write(log, 1, *range(0, 1000, 10))

    assert latest(log, 22) == sorted([*((n, 0) for n in range(980, 1000)), (980, 1), (990, 1)])


def test_a_partition_that_is_silent_for_long_costs_no_step_of_the_others(log: MemoryLog) -> None:
    write(log, 0, *range(5))
    write(log, 1, *range(100, 1100))

    assert latest(log, 300) == [(n, 1) for n in range(800, 1100)]
    assert latest(log, 1003) == [*((n, 0) for n in range(2, 5)), *((n, 1) for n in range(100, 1100))]


def test_a_message_counts_as_many_as_it_holds(log: MemoryLog) -> None:
    write(log, 0, *range(100), steps=50)

    assert latest(log, 120) == [(97, 0), (98, 0), (99, 0)]


def test_what_is_read_when_time_is_up_is_the_newest(log: MemoryLog) -> None:
    write(log, 0, *range(1000))
    write(log, 1, *range(1000))
    looks = iter([False, False, False, True])

    found = latest(log, 10_000, lambda: next(looks))
    assert found[-1] == (999, 1)
    assert 100 < len(found) < 300
    assert sorted({n for n, _ in found}) == list(range(found[0][0], 1000))


def test_a_topic_that_retention_cut_begins_where_it_was_cut(log: MemoryLog) -> None:
    write(log, 0, *range(100))
    log.cut[TOPIC, 0] = 90

    assert latest(log, 50) == [(n, 0) for n in range(90, 100)]


def test_a_clock_that_went_back_changes_no_order_within_a_partition(log: MemoryLog) -> None:
    write(log, 0, 5, 3, 4, 9)

    assert latest(log, 50) == [(5, 0), (3, 0), (4, 0), (9, 0)]
