"""How many events a second come back as lists when all of them wait already, and what one of them costs."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np

from benchmarks.harness.clicks import draw_clicks
from benchmarks.harness.load import Event
from benchmarks.harness.surroundings import own_stack
from benchmarks.harness.systems import FLAT_OUT, START_S, System, echo, floor, our_worker
from deploy.service import Progress
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Load:
    """`events` flat out in each round, of users who are many enough that few have two events in a batch."""

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
    """The medians over the rounds; the ratio is ours to the echo's; the processor time is that of the workers.

    Beside it that of the items worker, Kafka and Redis for our events. The patched echo is the stock one on our
    transport (docs/faust.md).
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
    """A system, and of each backlog that it emptied: the rate, and microseconds of processor time an event."""

    system: System
    events_per_s: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    beside_us: dict[str, list[float]] = field(default_factory=dict)

    def empty(self, events: int) -> None:
        """Have the system answer so many events that are all due at once."""
        system = self.system
        before_s, beside_s = system.cpu_s(), {name: taken() for name, taken in system.beside.items()}
        delays_ms = system.run(events, FLAT_OUT)
        self.events_per_s.append(events / (float(np.nanmax(delays_ms)) / 1000))
        self.cpu_us.append((system.cpu_s() - before_s) / events * 1e6)
        for name, taken in system.beside.items():
            self.beside_us.setdefault(name, []).append((taken() - beside_s[name]) / events * 1e6)

    def told(self) -> str:
        """The last one, for a person."""
        return f"{self.events_per_s[-1]:.0f} events/s, {self.cpu_us[-1]:.0f} us of CPU an event"


def measure_throughput(settings: Settings, load: Load, *, progress: Progress = lambda _: None) -> Throughput:
    """Start services of its own and have each system empty the same backlog in turn; ends all it started."""
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
                measured.empty(load.events)
                progress(f"round {number} of {load.rounds}, {name}: {measured.told()}")
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
        items_cpu_us_per_event=median(ours.beside_us["items"]),
        kafka_cpu_us_per_event=median(ours.beside_us["kafka"]),
        redis_cpu_us_per_event=median(ours.beside_us["redis"]),
        echo_cpu_us_per_event=median(echo.cpu_us),
        patched_echo_events_per_s=round(rate["patched"], 1),
        patched_echo_cpu_us_per_event=median(patched.cpu_us),
        workers=load.workers,
        lost=ours.system.lost,
    )


def median(values: Sequence[float]) -> float:
    """To one decimal."""
    return round(float(np.median(values)), 1)
