"""Latency from event to list for our worker, plain echoes and our handler without Faust, in one run."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

import numpy as np

from benchmarks.harness.clicks import draw_clicks
from benchmarks.harness.delays import Delays, lag_growth_per_s, percentiles
from benchmarks.harness.echoes.commands import has_quixstreams
from benchmarks.harness.load import Event
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import START_S, System, echo, floor, our_worker
from deploy.service import Progress
from streams.settings import Settings

WARM_UP_S = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` for each system, divided among the rounds; each round begins with a warm-up that does not count.

    An extra first round does not count either, since a new broker still compiles its hot code.
    """

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
    """Medians over the rounds; the ratios are ours to the Faust echo; `lost` counts our events never answered.

    `lag_growth_per_s` is the growth of our waiting events, in events a second. `late_p99_ms` is the lateness of the
    load generator for our events, which is part of their delay. Figures of an echo that could not start are None.
    """

    p50_ms: float
    p99_ms: float
    p999_ms: float
    echo_p50_ms: float
    echo_p99_ms: float
    ratio_p50: float
    ratio_p99: float
    floor_p50_ms: float
    floor_p99_ms: float
    aiokafka_echo_p50_ms: float
    aiokafka_echo_p99_ms: float
    quixstreams_echo_p50_ms: float | None
    quixstreams_echo_p99_ms: float | None
    lost: int
    lag_growth_per_s: float
    late_p99_ms: float


@dataclass(slots=True)
class _Measured:
    """A system, and for each round the percentiles 50, 99 and 99.9, the lag growth and the lateness of the load."""

    system: System
    rounds: list[Delays] = field(default_factory=list)

    def medians(self) -> list[float]:
        return [round(float(value), 3) for value in np.median(self.rounds, axis=0)]


def measure_latency(settings: Settings, plan: Plan, *, progress: Progress = lambda _: None) -> Latency:
    """Start separate services and measure the systems in turn, round by round; everything ends afterwards."""
    with own_stack(settings, progress) as (own, endpoints), ExitStack() as stack:
        contexts: dict[str, AbstractContextManager[System]] = {
            "echo": echo(own, endpoints, plan.clicks()),
            "ours": our_worker(own, endpoints, plan.clicks(), progress, items=plan.items),
            "floor": floor(own, endpoints, plan.clicks(), progress, items=plan.items),
            "aiokafka": echo(own, endpoints, plan.clicks(), "aiokafka"),
        }
        if has_quixstreams(progress):
            contexts["quixstreams"] = echo(own, endpoints, plan.clicks(), "quixstreams")
        systems = {name: _Measured(stack.enter_context(context)) for name, context in contexts.items()}
        for name, measured in systems.items():
            progress(f"{name}: one click by each of {plan.users} users")
            measured.system.run(plan.users, plan.rate, patience_s=START_S)
        for number in range(plan.rounds + 1):
            for name, measured in systems.items():
                p50, p99, _, growth, _ = found = _measure_round(measured.system, plan)
                if number > 0:
                    measured.rounds.append(found)
                title = f"round {number} of {plan.rounds}, {name}"
                figures = f"p50 {p50:.2f} ms, p99 {p99:.2f} ms, lag {growth:+.2f}/s"
                progress(f"{title}: {figures}, lost {measured.system.lost} so far")
        return _summarise(**systems)


def _measure_round(system: System, plan: Plan) -> Delays:
    warm_up, counted = int(plan.rate * WARM_UP_S), max(int(plan.rate * plan.seconds / plan.rounds), 1)
    delays_ms = system.run(warm_up + counted, plan.rate)[warm_up:]
    growth, late_ms = lag_growth_per_s(delays_ms, plan.rate), np.percentile(system.client.late_ms[warm_up:], 99)
    return np.array([*percentiles(delays_ms), growth, late_ms])


def _summarise(
    echo: _Measured, ours: _Measured, floor: _Measured, aiokafka: _Measured, quixstreams: _Measured | None = None
) -> Latency:
    p50, p99, p999, growth, late_ms = ours.medians()
    echo_p50, echo_p99, *_ = echo.medians()
    floor_p50, floor_p99, *_ = floor.medians()
    aiokafka_p50, aiokafka_p99, *_ = aiokafka.medians()
    quixstreams_p50, quixstreams_p99, *_ = (None, None) if quixstreams is None else quixstreams.medians()
    return Latency(
        p50_ms=p50,
        p99_ms=p99,
        p999_ms=p999,
        echo_p50_ms=echo_p50,
        echo_p99_ms=echo_p99,
        ratio_p50=round(p50 / echo_p50, 3),
        ratio_p99=round(p99 / echo_p99, 3),
        floor_p50_ms=floor_p50,
        floor_p99_ms=floor_p99,
        aiokafka_echo_p50_ms=aiokafka_p50,
        aiokafka_echo_p99_ms=aiokafka_p99,
        quixstreams_echo_p50_ms=quixstreams_p50,
        quixstreams_echo_p99_ms=quixstreams_p99,
        lost=ours.system.lost,
        lag_growth_per_s=growth,
        late_p99_ms=late_ms,
    )
