"""The eight faults that matter most, with few events; `sightline bench faults` has all of them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.faults.run import run_fault
from benchmarks.faults.services import Services, running_services
from benchmarks.faults.table import find_faults
from streams.settings import Settings

pytestmark = pytest.mark.stack

SLOWER = 3
NAMES = (
    "worker-killed",
    "worker-frozen",
    "worker-killed-often",
    "kafka-restarted",
    "redis-restarted",
    "redis-lost-second",
    "redis-lost-second-idle",
    "redis-full",
)


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    settings = Settings(tools=Path(__file__).parents[2] / ".sightline" / "tools")
    with running_services(settings, frozenset(), lambda _: None) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_no_event_is_lost_and_none_counts_twice(name: str, services: Services) -> None:
    (fault,) = find_faults([name])
    # How soon is for `sightline bench faults` to say, on a machine that does nothing else.
    patient = replace(fault, within_s=SLOWER * fault.within_s)
    outcome = run_fault(patient, services, rate=80, minutes=0.2)
    assert outcome.passed, outcome
    assert outcome.events > 200
