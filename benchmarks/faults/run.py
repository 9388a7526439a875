"""Runs faults one after the other and verifies the state after each by a replay of the log."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.faults.fault import Fault
from benchmarks.faults.outcome import Outcome, Unmet
from benchmarks.faults.running import running
from benchmarks.faults.services import Services, running_services
from benchmarks.faults.system import CALM_S, System
from deploy.errors import StackError
from deploy.service import Progress
from state.errors import StateError
from streams.errors import StreamError
from streams.replay.report import Report
from streams.replay.verify import verify_state
from streams.settings import Settings
from streams.wire.topics import SIGNALS

_FAILURES = (Unmet, StackError, StreamError, StateError)
_DEFECTS = (
    "different_profiles",
    "uncounted_days",
    "different_behaviours",
    "different_items",
    "out_of_order",
    "unanswered",
    "pending",
    "pending_signals",
)


def run_faults(
    settings: Settings, faults: Sequence[Fault], *, rate: float, minutes: float, progress: Progress = lambda _: None
) -> Iterator[Outcome]:
    """Yield the outcome of each fault; faults with the same needs share services, but never topics."""
    by_needs = sorted(faults, key=lambda fault: sorted(fault.needs))
    for needs, group in groupby(by_needs, key=lambda fault: fault.needs):
        with running_services(settings, needs, progress) as services:
            for fault in group:
                progress(f"{fault.name}: {fault.about}")
                yield run_fault(fault, services, rate=rate, minutes=minutes)


def run_fault(fault: Fault, services: Services, *, rate: float, minutes: float) -> Outcome:
    """Inflict one fault on a new system, wait until nothing lags, and verify the state."""
    try:
        services.restore()
        with running(fault, services.settings, services, rate=rate, minutes=minutes) as system:
            return _inflict(fault, system)
    except _FAILURES as error:
        return Outcome(fault.name, 0, 0, 0, None, (f"the system did not start or stop: {error}",))


def _inflict(fault: Fault, system: System) -> Outcome:
    wrong: list[str] = []
    recovered_s: float | None = None
    try:
        recovered_s = fault.inflict(system)
        time.sleep(CALM_S)
    except _FAILURES as error:
        wrong.append(str(error))
    system.traffic.stop()
    return _judge(fault, system, recovered_s, wrong)


def _judge(fault: Fault, system: System, recovered_s: float | None, wrong: list[str]) -> Outcome:
    accepted, refused = system.traffic.accepted, system.traffic.refused
    if refused:
        wrong.append(f"Kafka refused {len(refused)} events of the load: {refused[0]}")
    limit_s = fault.within_s + fault.per_minute_s * system.minutes
    if recovered_s is not None and recovered_s > limit_s:
        wrong.append(f"recovered after {recovered_s:.1f} s, not within {limit_s:.0f} s")
    if not fault.refused:
        wrong += system.workers.restarts
    lost, doubled = 0, 0
    try:
        system.await_stored(system.ends())
        system.await_stored(system.ends(SIGNALS), SIGNALS)
        report = asyncio.run(verify_state(system.settings, system.services.kafka, system.services.redis))
        wrong += _differences(report)
        # Uploads add events to the topic that are not part of the load.
        missing = max(accepted - sum(system.ends().values()), 0)
        lost, doubled = report.lost + report.lost_signals + missing + report.pending, report.double_applied
    except _FAILURES as error:
        wrong.append(str(error))
    return Outcome(fault.name, accepted, lost, doubled, _rounded(recovered_s), tuple(wrong))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)


def _differences(report: Report) -> list[str]:
    counts = [f"{name}: {count}" for name in _DEFECTS if (count := getattr(report, name))]
    return counts + [f"{each.kind} {each.name}: {each.where}" for each in report.differences]
