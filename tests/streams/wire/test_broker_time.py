import pytest

from streams.wire.broker_time import record_time
from tests.harness.fakes import NOON
from tests.harness.interactions import metric

DAY = 86_400_000


def timed(
    stamp_ms: int,
    *,
    by_broker: bool = False,
    again: bool = False,
    topic: str = "shop.events.interactions",
    now_ms: int = NOON,
) -> int:
    return record_time(topic, stamp_ms, by_broker=by_broker, again=again, clock_ms=lambda: now_ms)


def test_the_brokers_time_counts_whatever_it_is() -> None:
    assert timed(1, by_broker=True) == 1


@pytest.mark.parametrize("stamp_ms", [NOON, NOON - 7 * DAY, NOON + 300_000])
def test_a_publishers_time_that_can_be_true_counts(stamp_ms: int) -> None:
    assert timed(stamp_ms) == stamp_ms


@pytest.mark.parametrize(
    "stamp_ms",
    [NOON // 1000, NOON * 1000, NOON * 1_000_000, 0, -1, NOON - 7 * DAY - 1, NOON + 300_001],
    ids=["seconds", "microseconds", "nanoseconds", "none", "unknown", "too old", "too new"],
)
def test_any_other_is_now_and_counted(stamp_ms: int) -> None:
    before = metric("sightline_clamped_times_total")
    assert timed(stamp_ms) == NOON
    assert metric("sightline_clamped_times_total") == before + 1


@pytest.mark.parametrize("topic", ["state.catalog", "shop.state.signals", "dead-letters", "recommendations"])
def test_a_topic_that_promises_no_broker_time_keeps_its_times(topic: str) -> None:
    assert timed(NOON - 900 * DAY, topic=topic) == NOON - 900 * DAY


@pytest.mark.parametrize("later_ms", [0, DAY, 8 * DAY, 400 * DAY])
@pytest.mark.parametrize("stamp_ms", [NOON, NOON - 7 * DAY, NOON + 300_000])
def test_a_time_that_a_worker_took_is_the_same_when_the_log_is_read_again(stamp_ms: int, later_ms: int) -> None:
    assert timed(stamp_ms, again=True, now_ms=NOON + later_ms) == timed(stamp_ms)


@pytest.mark.parametrize("stamp_ms", [NOON // 1000, NOON * 1000, 0, -1, NOON + 300_001])
def test_a_time_that_cannot_be_true_is_replaced_when_the_log_is_read_again(stamp_ms: int) -> None:
    assert timed(stamp_ms, again=True) == NOON
