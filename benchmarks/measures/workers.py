"""Throughput of 1, 2 and 4 workers on one topic, and the delay when workers join or leave."""

import time
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from benchmarks.harness.delays import longest_gap_ms
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import FLAT_OUT, START_S, System, echo, our_worker
from benchmarks.measures.throughput import Backlogs, Load, median
from deploy.service import Progress
from streams.settings import Settings

COUNTS = (1, 2, 4)
#: While workers join and leave: clicks a second, and the time before each change.
RATE = 100.0
_LEAD_S = 1.0


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the number of workers: the longest time without any list, and the longest delay of an event."""

    gap_ms: float
    wait_ms: float


@dataclass(frozen=True, slots=True)
class Crew:
    """A number of workers and the same number of stock Faust echoes: medians over the rounds.

    Processor time is the sum of all workers. `joined` is the change to this number, `left` the change to the next
    smaller number; both are None for one worker.
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
    """Figures by number of workers; `lost` counts our events that were never answered."""

    one: Crew
    two: Crew
    four: Crew
    lost: int


@dataclass(slots=True)
class _Measured:
    """The figures of one system at one number of processes."""

    backlogs: Backlogs
    joined: Change | None = None
    left: Change | None = None


def measure_workers(
    settings: Settings, load: Load, *, watch_s: float = 15.0, progress: Progress = lambda _: None
) -> Crews:
    """Start separate services, scale the workers up step by step, then down again.

    At each change clicks come for `watch_s` seconds, within which the change should be complete.
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
                    measured.backlogs.run(load.events)
                    progress(f"round {number} of {load.rounds}, {count} processes: {measured.backlogs.summary()}")
        for at in range(len(COUNTS) - 1, 0, -1):
            for measured in crews[at]:
                measured.left = _watch(measured.backlogs.system, COUNTS[at - 1], watch_s, progress)
    one, two, four = (_crew(*crew) for crew in crews)
    return Crews(one, two, four, ours.lost)


def _watch(system: System, count: int, watch_s: float, progress: Progress) -> Change:
    """Scale to `count` processes while clicks come."""

    def change() -> None:
        time.sleep(_LEAD_S)
        system.scale_to(count)

    delays_ms = system.run(int(RATE * watch_s), RATE, meanwhile=change)
    found = Change(round(longest_gap_ms(delays_ms, RATE), 1), round(float(np.nanmax(delays_ms, initial=0.0)), 1))
    progress(f"now {count} processes: no answer for {found.gap_ms:.0f} ms, longest delay {found.wait_ms:.0f} ms")
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
