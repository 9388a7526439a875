"""Event produced → list consumed, for our worker, a bare Faust echo and our handler without Faust, in one run."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.load import Event
from benchmarks.surroundings import own_stack
from benchmarks.systems import START_S, System, draw_clicks, echo, floor, our_worker
from deploy.service import Progress
from streams.settings import Settings

WARM_UP_S = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` of each system, shared out over the rounds; every round begins with a warm-up that does not count."""

    rate: float
    seconds: float
    rounds: int
    users: int
    items: int

    def clicks(self) -> Iterator[Event]:
        """The same clicks for each system."""
        return draw_clicks(self.users, self.items, self.rate)


@dataclass(frozen=True, slots=True)
class Latency:
    """The medians over the rounds; ratios are ours to the echo's; `lost` events of ours were never answered."""

    p50_ms: float
    p99_ms: float
    p999_ms: float
    echo_p50_ms: float
    echo_p99_ms: float
    ratio_p50: float
    ratio_p99: float
    floor_p50_ms: float
    lost: int


@dataclass(slots=True)
class _Measured:
    """A system and the percentiles (50, 99, 99.9) of each round."""

    system: System
    rounds: list[NDArray[np.float64]] = field(default_factory=list)

    def medians(self) -> list[float]:
        return [round(float(value), 3) for value in np.median(self.rounds, axis=0)]


def measure_latency(settings: Settings, plan: Plan, *, progress: Progress = lambda _: None) -> Latency:
    """Start services of its own and measure the systems one after the other, round by round; ends all it started."""
    with own_stack(settings, progress) as (own, endpoints), ExitStack() as stack:
        contexts = {
            "echo": echo(own, endpoints, plan.clicks()),
            "ours": our_worker(own, endpoints, plan.clicks(), progress, items=plan.items),
            "floor": floor(own, endpoints, plan.clicks(), progress, items=plan.items),
        }
        systems = {name: _Measured(stack.enter_context(context)) for name, context in contexts.items()}
        for name, measured in systems.items():
            progress(f"{name}: one click of each of {plan.users} users")
            measured.system.run(plan.users, plan.rate, patience_s=START_S)
        for number in range(1, plan.rounds + 1):
            for name, measured in systems.items():
                _measure_round(measured, plan)
                p50, p99, _ = measured.rounds[-1]
                title = f"round {number} of {plan.rounds}, {name}"
                progress(f"{title}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, lost {measured.system.lost} so far")
        return _summarise(**systems)


def _measure_round(measured: _Measured, plan: Plan) -> None:
    warm_up, counted = int(plan.rate * WARM_UP_S), max(int(plan.rate * plan.seconds / plan.rounds), 1)
    delays_ms = measured.system.run(warm_up + counted, plan.rate)
    measured.rounds.append(np.nanpercentile(delays_ms[warm_up:], (50, 99, 99.9)))


def _summarise(echo: _Measured, ours: _Measured, floor: _Measured) -> Latency:
    p50, p99, p999 = ours.medians()
    echo_p50, echo_p99, _ = echo.medians()
    return Latency(
        p50_ms=p50,
        p99_ms=p99,
        p999_ms=p999,
        echo_p50_ms=echo_p50,
        echo_p99_ms=echo_p99,
        ratio_p50=round(p50 / echo_p50, 3),
        ratio_p99=round(p99 / echo_p99, 3),
        floor_p50_ms=floor.medians()[0],
        lost=ours.system.lost,
    )
