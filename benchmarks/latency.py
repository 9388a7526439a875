"""Event produced → list consumed, for our worker, a bare Faust echo and our handler without Faust, in one run."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from random import Random

import msgspec
import numpy as np
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from numpy.typing import NDArray

from benchmarks.load import Event, LoadClient
from benchmarks.surroundings import draw_items, own_stack, publish_items
from deploy import process
from deploy.local import Endpoints
from deploy.service import Progress
from deploy.workers import COMMAND, Workers
from streams import topics
from streams.admin import create_topics
from streams.events import Interaction, encode
from streams.settings import Settings

WARM_UP_S = 2.0
START_S = 60.0
FLOOR = (sys.executable, "-m", "benchmarks.floor")


@dataclass(frozen=True, slots=True)
class Plan:
    """`seconds` of each system, shared out over the rounds; every round begins with a warm-up that does not count."""

    rate: float
    seconds: float
    rounds: int
    users: int
    items: int


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
class _System:
    """One of the three: its client, and the percentiles (50, 99, 99.9) of each round."""

    client: LoadClient
    clicks: Iterator[Event]
    rounds: list[NDArray[np.float64]] = field(default_factory=list)
    lost: int = 0

    def medians(self) -> list[float]:
        return [round(float(value), 3) for value in np.median(self.rounds, axis=0)]


class _Named(msgspec.Struct):
    event_id: str


class _List(msgspec.Struct):
    trigger: _Named


_decode_list = msgspec.json.Decoder(_List).decode
_decode_event = msgspec.json.Decoder(_Named).decode


def measure_latency(settings: Settings, plan: Plan, *, progress: Progress = lambda _: None) -> Latency:
    """Start services of its own and measure the systems one after the other, round by round; ends all it started."""
    with own_stack(settings, progress) as (own, endpoints), ExitStack() as stack:
        systems = {
            "echo": stack.enter_context(_echo(own, endpoints, plan)),
            "ours": stack.enter_context(_recommender("ours", COMMAND, own, endpoints, plan, progress)),
            "floor": stack.enter_context(_recommender("floor", FLOOR, own, endpoints, plan, progress)),
        }
        for name, system in systems.items():
            progress(f"{name}: one click of each of {plan.users} users")
            first = [next(system.clicks) for _ in range(plan.users)]
            system.lost += int(np.isnan(system.client.run(first, plan.rate, patience_s=START_S)).sum())
        for number in range(1, plan.rounds + 1):
            for name, system in systems.items():
                _measure_round(system, plan)
                p50, p99, _ = system.rounds[-1]
                title = f"round {number} of {plan.rounds}, {name}"
                progress(f"{title}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, lost {system.lost} so far")
        return _summarise(**systems)


def _measure_round(system: _System, plan: Plan) -> None:
    warm_up, counted = int(plan.rate * WARM_UP_S), max(int(plan.rate * plan.seconds / plan.rounds), 1)
    events = [next(system.clicks) for _ in range(warm_up + counted)]
    delays_ms = system.client.run(events, plan.rate)
    system.lost += int(np.isnan(delays_ms).sum())
    system.rounds.append(np.nanpercentile(delays_ms[warm_up:], (50, 99, 99.9)))


def _summarise(echo: _System, ours: _System, floor: _System) -> Latency:
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
        lost=ours.lost,
    )


@contextmanager
def _echo(own: Settings, endpoints: Endpoints, plan: Plan) -> Iterator[_System]:
    """Stock Faust in a process of its own, on topics of its own with as many partitions as ours."""
    events, answers = "echo.events", "echo.answers"
    admin = AdminClient({"bootstrap.servers": endpoints.kafka})
    made = admin.create_topics([NewTopic(name, own.partitions, 1) for name in (events, answers)])
    for done in made.values():
        done.result(START_S)
    client = LoadClient(endpoints.kafka, events=events, answers=answers, answered_by=_event_of_echo)
    command = [sys.executable, "-m", "benchmarks.echo", endpoints.kafka, events, answers, str(own.home / "echo")]
    with closing(client):
        running = process.spawn(command, log=own.home / "logs" / "echo.log", env={})
        try:
            yield _System(client, draw_clicks(plan))
        finally:
            process.end(running, grace=10)


@contextmanager
def _recommender(
    name: str, command: Sequence[str], own: Settings, endpoints: Endpoints, plan: Plan, progress: Progress
) -> Iterator[_System]:
    """An interactions worker run by `command` and the items worker, on topics of their own with a catalogue."""
    settings = own.model_copy(update={"topic_prefix": f"{name}.", "home": own.home / name})
    create_topics(endpoints.kafka, settings.topic_prefix, settings.partitions, 1)
    items = draw_items(plan.items, settings.dimensions)
    publish_items(endpoints.kafka, settings.topic_prefix + topics.CATALOG.name, items)
    client = LoadClient(
        endpoints.kafka,
        events=settings.topic_prefix + topics.INTERACTIONS.name,
        answers=settings.topic_prefix + topics.RECOMMENDATIONS.name,
        answered_by=_event_of_list,
    )
    measured = Workers(settings, endpoints, command=command, progress=progress)
    beside = Workers(settings, endpoints, progress=progress)
    with closing(client), measured.borrowed(("interactions",)), beside.borrowed(("items",)):
        yield _System(client, draw_clicks(plan))


def draw_clicks(plan: Plan) -> Iterator[Event]:
    """Clicks without end: one of each user, then users at random; items at random."""
    random, now_ms, number = Random(0), time.time_ns() // 1_000_000, 0  # noqa: S311 (no secret is drawn)
    while True:
        user = number if number < plan.users else random.randrange(plan.users)
        click = Interaction(
            event_id=f"click-{number}",
            type="click",
            user_id=f"user-{user}",
            item_id=f"item-{random.randrange(plan.items)}",
            occurred_at_ms=now_ms + int(1000 * number / plan.rate),
        )
        yield Event(click.event_id, click.user_id.encode(), encode(click))
        number += 1


def _event_of_list(value: bytes) -> str:
    return _decode_list(value).trigger.event_id


def _event_of_echo(value: bytes) -> str:
    return _decode_event(value).event_id
