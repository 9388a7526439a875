from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from state.errors import StateUnavailable
from streams.errors import BrokerUnavailable, PromiseBroken
from streams.wire.promises import Broken
from streams.worker.promise_watch import PromiseWatch
from tests.harness.fakes import until
from tests.harness.interactions import metric

GROWN = Broken("events.interactions", "partitions", "has 24 partitions, not 12: do something")
UNLOGGED = Broken("Redis at a", "persistence", "has appendonly=no, not yes", dangerous=False)


class Service:
    """A service whose promises a test changes."""

    def __init__(self, *broken: Broken) -> None:
        self.broken: Sequence[Broken] = broken
        self.failures: list[Exception] = []

    async def read(self) -> Sequence[Broken]:
        if self.failures:
            raise self.failures.pop()
        return self.broken


def gauge(kind: str, severity: str) -> float:
    return metric("sightline_broken_promises", kind=kind, severity=severity)


async def test_a_danger_at_the_start_is_refused_in_one_message() -> None:
    watch = PromiseWatch({"kafka": Service(GROWN, UNLOGGED).read})
    with pytest.raises(PromiseBroken) as refused:
        await watch.start()
    assert str(refused.value) == (
        "this worker cannot start:\nevents.interactions has 24 partitions, not 12: do something"
    )


async def test_what_is_unwise_starts_and_is_logged_once_and_counted() -> None:
    watch = PromiseWatch({"redis": Service(UNLOGGED).read})
    with capture_logs() as logged:
        await watch.start()
        await watch.look()
    await watch.stop()
    assert watch.dangers == []
    assert gauge("persistence", "unwise") == 1
    assert [(each["event"], each["log_level"]) for each in logged] == [("promise_broken", "warning")]


async def test_a_danger_while_running_is_noticed_and_ends_by_itself() -> None:
    kafka = Service()
    watch = PromiseWatch({"kafka": kafka.read}, every_s=0.01)
    with capture_logs() as logged:
        await watch.start()
        kafka.broken = [GROWN]
        await until(lambda: watch.dangers == [str(GROWN)])
        assert gauge("partitions", "danger") == 1
        kafka.broken = []
        await until(lambda: watch.dangers == [])
        assert gauge("partitions", "danger") == 0
        await watch.stop()
    assert [each["event"] for each in logged] == ["promise_broken", "promise_kept_again"]
    assert logged[0]["problem"] == str(GROWN)


async def test_while_a_service_is_away_what_it_said_last_counts() -> None:
    kafka, redis = Service(GROWN), Service(UNLOGGED)
    watch = PromiseWatch({"kafka": kafka.read, "redis": redis.read})
    await watch.look()
    kafka.failures, redis.failures = [BrokerUnavailable("away")], [StateUnavailable("away")]
    with pytest.raises(BrokerUnavailable):
        await watch.look_at_all()
    assert watch.dangers == [str(GROWN)]
    assert gauge("persistence", "unwise") == 1


async def test_the_watch_goes_on_when_kafka_is_back() -> None:
    kafka = Service()
    watch = PromiseWatch({"kafka": kafka.read}, every_s=0.01)
    await watch.start()
    kafka.broken, kafka.failures = [GROWN], [BrokerUnavailable("away"), BrokerUnavailable("away")]
    await until(lambda: watch.dangers == [str(GROWN)])
    assert watch.failure is None
    await watch.stop()


async def test_the_start_waits_for_kafka_and_not_for_redis() -> None:
    kafka, redis = Service(), Service()
    kafka.failures, redis.failures = [BrokerUnavailable("away")], [StateUnavailable("away")] * 9
    watch = PromiseWatch({"kafka": kafka.read, "redis": redis.read})
    await watch.start()
    await watch.stop()
    assert kafka.failures == []
