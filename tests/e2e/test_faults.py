"""The faults that matter most, one after the other on one system; `sightline bench faults` has all, each on its own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from benchmarks.faults import run
from benchmarks.faults.fault import Fault
from benchmarks.faults.kinds import kafka, redis, workers
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.services import Services, running_services
from benchmarks.faults.system import System
from benchmarks.faults.table import find_faults
from streams.settings import Settings

pytestmark = pytest.mark.stack

#: How soon is for `sightline bench faults` to say, on a machine that does nothing else.
SLOWER = 3
#: A worker that is killed for good is one that is frozen and stays so. The last one ends the load.
NAMES = (
    "worker-frozen",
    "worker-killed-often",
    "kafka-restarted",
    "redis-restarted",
    "redis-full",
    "redis-lost-second",
    "redis-lost-second-idle",
)
AWAY_S = 5.0
#: Still longer than the session timeout of 10 s.
FROZEN_S = 12.0
#: Before each fault and after it: more than ten times what a list takes.
CALM_S = 1.0


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    settings = Settings(tools=Path(__file__).parents[2] / ".sightline" / "tools")
    with running_services(settings, frozenset(), lambda _: None) as running:
        yield running


def in_turn(faults: Sequence[Fault]) -> Fault:
    """One fault that inflicts these on the same two workers; each has its own limit."""

    def inflict(system: System) -> float:
        for fault in faults:
            try:
                recovered_s = fault.inflict(system)
            except Unmet as error:
                raise Unmet(f"{fault.name}: {error}") from error
            if recovered_s > SLOWER * fault.within_s:
                raise Unmet(f"{fault.name}: recovered after {recovered_s:.1f} s")
        return 0.0

    return Fault("in-turn", "several faults", inflict, within_s=1.0, interactions=2)


def test_no_event_is_lost_and_none_counts_twice(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "AWAY_S", AWAY_S)
    monkeypatch.setattr(redis, "AWAY_S", AWAY_S)
    monkeypatch.setattr(workers, "FROZEN_S", FROZEN_S)
    for module in (kafka, redis, workers, run):
        monkeypatch.setattr(module, "CALM_S", CALM_S)
    outcome = run.run_fault(in_turn(find_faults(NAMES)), services, rate=80, minutes=0.2)
    assert outcome.passed, outcome
    assert outcome.events > 2000
