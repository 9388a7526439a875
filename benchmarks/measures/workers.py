"""What more workers bring on the partitions of one topic, and what it costs when one comes or goes."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from benchmarks.harness.delays import longest_gap_ms
from benchmarks.harness.surroundings import own_stack
from benchmarks.harness.systems import FLAT_OUT, START_S, System, echo, our_worker
from benchmarks.measures.throughput import Backlogs, Load, median
from deploy.service import Progress
from streams.settings import Settings

COUNTS = (1, 2, 4)
#: While workers come and go: clicks a second, and when each change begins.
RATE = 100.0
_LEAD_S = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """Workers came or went: the longest time in which no list came at all, and the longest that an event waited."""

    gap_ms: float
    wait_ms: float


@dataclass(frozen=True, slots=True)
class Crew:
    """So many workers, and as many stock Faust echoes: medians over the rounds; processor time is that of all workers.

    `joined`: when they became so many, `left`: when they became fewer again; None for the first.
    """

    events_per_s: float
    cpu_us_per_event: float
    echo_events_per_s: float
    echo_cpu_us_per_event: float
    ratio: float
    joined: Change | None
    left: Change | None
    echo_joined: Change | None
    echo_left: Change | None


@dataclass(frozen=True, slots=True)
class Crews:
    """By how many workers there are; `lost` events of ours were never answered."""

    one: Crew
    two: Crew
    four: Crew
    lost: int


@dataclass(slots=True)
class _Measured:
    """So many processes of one system."""

    backlogs: Backlogs
    joined: Change | None = None
    left: Change | None = None


def measure_workers(
    settings: Settings, load: Load, *, watch_s: float = 15.0, progress: Progress = lambda _: None
) -> Crews:
    """Start services of its own, and more and more workers on them, then end them again.

    Each time they become more or fewer, clicks come for `watch_s`, in which the change should find its end.
    """
    with own_stack(settings, progress) as (own, endpoints), ExitStack() as stack:
        reference = stack.enter_context(echo(own, endpoints, load.clicks()))
        ours = stack.enter_context(our_worker(own, endpoints, load.clicks(), progress, items=load.items))
        for system in (reference, ours):
            system.run(load.users, FLAT_OUT, patience_s=START_S)
        crews = [(_Measured(Backlogs(ours)), _Measured(Backlogs(reference))) for _ in COUNTS]
        for count, crew in zip(COUNTS, crews, strict=True):
            for measured in crew:
                if count > 1:
                    measured.joined = _watch(measured.backlogs.system, count, watch_s, progress)
            for number in range(1, load.rounds + 1):
                for measured in crew:
                    measured.backlogs.empty(load.events)
                    progress(f"round {number} of {load.rounds}, {count} processes: {measured.backlogs.told()}")
        for at in range(len(COUNTS) - 1, 0, -1):
            for measured in crews[at]:
                measured.left = _watch(measured.backlogs.system, COUNTS[at - 1], watch_s, progress)
    one, two, four = (_crew(*crew) for crew in crews)
    return Crews(one, two, four, ours.lost)


def _watch(system: System, count: int, watch_s: float, progress: Progress) -> Change:
    """Have so many processes while clicks come."""

    def change() -> None:
        time.sleep(_LEAD_S)
        system.become(count)

    delays_ms = system.run(int(RATE * watch_s), RATE, meanwhile=change)
    found = Change(round(longest_gap_ms(delays_ms, RATE), 1), round(float(np.nanmax(delays_ms, initial=0.0)), 1))
    progress(f"now {count} processes: no answer for {found.gap_ms:.0f} ms, the longest wait {found.wait_ms:.0f} ms")
    return found


def _crew(ours: _Measured, echo: _Measured) -> Crew:
    rate, echo_rate = median(ours.backlogs.events_per_s), median(echo.backlogs.events_per_s)
    return Crew(
        events_per_s=rate,
        cpu_us_per_event=median(ours.backlogs.cpu_us),
        echo_events_per_s=echo_rate,
        echo_cpu_us_per_event=median(echo.backlogs.cpu_us),
        ratio=round(rate / echo_rate, 3),
        joined=ours.joined,
        left=ours.left,
        echo_joined=echo.joined,
        echo_left=echo.left,
    )
