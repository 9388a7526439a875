"""Events a second answered with lists from a full backlog, and the processor time of an event."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from benchmarks.harness.clicks import draw_clicks
from benchmarks.harness.load import Event
from benchmarks.harness.own_stack import own_stack
from benchmarks.harness.systems import FLAT_OUT, START_S, System, echo, floor, our_worker
from deploy.service import Progress
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Load:
    """`events` due at once in each round; `users` should be so large that few have two events in a batch."""

    events: int
    rounds: int
    users: int
    items: int
    workers: int

    def clicks(self) -> Iterator[Event]:
        """The same clicks for each system."""
        return draw_clicks(self.users, self.items, FLAT_OUT)


@dataclass(frozen=True, slots=True)
class Throughput:
    """Medians over the rounds; the ratio is ours to the echo; processor time is that of the answering workers.

    The processor time of the items worker, Kafka and Redis for our events is separate. The patched echo is the stock
    echo on our transport (docs/faust.md).
    """

    events_per_s: float
    echo_events_per_s: float
    floor_events_per_s: float
    ratio: float
    cpu_us_per_event: float
    items_cpu_us_per_event: float
    kafka_cpu_us_per_event: float
    redis_cpu_us_per_event: float
    echo_cpu_us_per_event: float
    patched_echo_events_per_s: float
    patched_echo_cpu_us_per_event: float
    workers: int
    lost: int


@dataclass(slots=True)
class Backlogs:
    """A system, and for each backlog the rate and the processor time of an event in microseconds."""

    system: System
    events_per_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    other_cpu_us: dict[str, list[float]] = field(default_factory=dict)

    def run(self, events: int) -> None:
        """Have the system answer `events` events that are all due at once."""
        system = self.system
        before_s, other_s = system.cpu_s(), {name: clock() for name, clock in system.other_cpu_s.items()}
        delays_ms = system.run(events, FLAT_OUT)
        self.events_per_s.append(events / (float(np.nanmax(delays_ms)) / 1000))
        self.cpu_us.append((system.cpu_s() - before_s) / events * 1e6)
        for name, clock in system.other_cpu_s.items():
            self.other_cpu_us.setdefault(name, []).append((clock() - other_s[name]) / events * 1e6)

    def summary(self) -> str:
        """The last backlog, for progress messages."""
        return f"{self.events_per_s[-1]:.0f} events/s, {self.cpu_us[-1]:.0f} us of CPU an event"


def measure_throughput(settings: Settings, load: Load, *, progress: Progress = lambda _: None) -> Throughput:
    """Start separate services and give each system the same backlog in turn; everything ends afterwards."""
    with own_stack(settings, progress) as (own, endpoints), ExitStack() as stack:
        contexts = {
            "echo": echo(own, endpoints, load.clicks()),
            "patched": echo(own, endpoints, load.clicks(), "patched"),
            "ours": our_worker(own, endpoints, load.clicks(), progress, items=load.items, workers=load.workers),
            "floor": floor(own, endpoints, load.clicks(), progress, items=load.items),
        }
        systems = {name: Backlogs(stack.enter_context(context)) for name, context in contexts.items()}
        for measured in systems.values():
            measured.system.run(load.users, FLAT_OUT, patience_s=START_S)
        for number in range(1, load.rounds + 1):
            for name, measured in systems.items():
                measured.run(load.events)
                progress(f"round {number} of {load.rounds}, {name}: {measured.summary()}")
        return _summarise(load, **systems)


def _summarise(load: Load, echo: Backlogs, patched: Backlogs, ours: Backlogs, floor: Backlogs) -> Throughput:
    systems = {"ours": ours, "echo": echo, "floor": floor, "patched": patched}
    rate = {name: float(np.median(each.events_per_s)) for name, each in systems.items()}
    return Throughput(
        events_per_s=round(rate["ours"], 1),
        echo_events_per_s=round(rate["echo"], 1),
        floor_events_per_s=round(rate["floor"], 1),
        ratio=round(rate["ours"] / rate["echo"], 3),
        cpu_us_per_event=median(ours.cpu_us),
        items_cpu_us_per_event=median(ours.other_cpu_us["items"]),
        kafka_cpu_us_per_event=median(ours.other_cpu_us["kafka"]),
        redis_cpu_us_per_event=median(ours.other_cpu_us["redis"]),
        echo_cpu_us_per_event=median(echo.cpu_us),
        patched_echo_events_per_s=round(rate["patched"], 1),
        patched_echo_cpu_us_per_event=median(patched.cpu_us),
        workers=load.workers,
        lost=ours.system.lost,
    )


def median(values: Sequence[float]) -> float:
    """The median, rounded to one decimal."""
    return round(float(np.median(values)), 1)
