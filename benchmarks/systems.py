"""The three systems that are measured against each other: our worker, a bare Faust echo, our handler without Faust.

Each runs on topics of its own with equal partition counts, and is asked and answered by one LoadClient.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random

import msgspec
import numpy as np
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types
from numpy.typing import NDArray

from benchmarks.load import Event, LoadClient
from benchmarks.surroundings import draw_items, publish_items
from deploy import process
from deploy.local import Endpoints, Stack
from deploy.process import Process
from deploy.service import Progress
from deploy.workers import COMMAND, Workers
from streams import topics
from streams.admin import LEADERS_S, create_topics
from streams.events import Interaction, encode
from streams.settings import Settings

START_S = 60.0
#: A rate that nothing here can keep up with: every event is due at once.
FLAT_OUT = 1e6
#: What our worker's topics begin with.
OURS = "ours"
FLOOR = (sys.executable, "-m", "benchmarks.floor")


@dataclass(slots=True)
class System:
    """One of the three: its client and clicks, the processes that answer, and the events that were never answered.

    `beside` gives the seconds of processor time of what else takes part, by name.
    """

    client: LoadClient
    clicks: Iterator[Event]
    processes: list[Process]
    beside: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    lost: int = 0

    def run(self, count: int, rate: float, *, patience_s: float = 10.0) -> NDArray[np.float64]:
        """Send the next `count` clicks; milliseconds from due to answered [count], NaN for never."""
        delays_ms = self.client.run([next(self.clicks) for _ in range(count)], rate, patience_s=patience_s)
        self.lost += int(np.isnan(delays_ms).sum())
        return delays_ms

    def cpu_s(self) -> float:
        """Seconds of processor time that the answering processes have taken since they started."""
        return sum(process.cpu_s(each) for each in self.processes)


class _Named(msgspec.Struct):
    event_id: str


class _List(msgspec.Struct):
    trigger: _Named


_decode_list = msgspec.json.Decoder(_List).decode
_decode_event = msgspec.json.Decoder(_Named).decode


@contextmanager
def echo(own: Settings, endpoints: Endpoints, clicks: Iterator[Event], *, patched: bool = False) -> Iterator[System]:
    """Stock Faust in a process of its own, or the same on our transport."""
    name = "patched" if patched else "echo"
    events, answers = f"{name}.events", f"{name}.answers"
    admin = KafkaAdminClient(bootstrap_servers=endpoints.kafka)
    admin.create_topics(
        {each: {"num_partitions": own.partitions, "replication_factor": 1} for each in (events, answers)}
    )
    admin.wait_for_topics([events, answers], timeout_ms=1000 * LEADERS_S)
    admin.close()
    client = LoadClient(endpoints.kafka, events=events, answers=answers, answered_by=_event_of_echo)
    command = [sys.executable, "-m", "benchmarks.echo", endpoints.kafka, events, answers, str(own.home / name)]
    command += ["--patched"] if patched else []
    with closing(client):
        running = process.spawn(command, log=own.home / "logs" / f"{name}.log", env={})
        try:
            yield System(client, clicks, [running])
        finally:
            process.end(running, grace=10)


@contextmanager
def recommender(
    name: str,
    command: Sequence[str],
    own: Settings,
    endpoints: Endpoints,
    clicks: Iterator[Event],
    progress: Progress,
    *,
    items: int,
    workers: int = 1,
) -> Iterator[System]:
    """Interactions workers run by `command` and an items worker, with a catalogue."""
    settings = own.model_copy(update={"topic_prefix": f"{name}.", "home": own.home / name})
    create_topics(endpoints.kafka, settings.topic_prefix, settings.partitions, 1)
    drawn = draw_items(items, settings.dimensions)
    publish_items(endpoints.kafka, settings.topic_prefix + topics.CATALOG.name, drawn)
    client = LoadClient(
        endpoints.kafka,
        events=settings.topic_prefix + topics.INTERACTIONS.name,
        answers=settings.topic_prefix + topics.RECOMMENDATIONS.name,
        answered_by=_event_of_list,
    )
    measured = Workers(settings, endpoints, command=command, progress=progress)
    beside = Workers(settings, endpoints, progress=progress)
    services = Stack(own)
    with closing(client), beside.borrowed(("items",)) as (items_worker,), ExitStack() as stack:
        running = []
        for number in range(1, workers + 1):
            running.append(measured.start("interactions", number=number))
            stack.callback(measured.stop, running[-1])
        taken = {
            "items": partial(process.cpu_s, items_worker.process),
            "kafka": partial(services.cpu_s, "kafka"),
            "redis": partial(services.cpu_s, "redis"),
        }
        yield System(client, clicks, [worker.process for worker in running], taken)


def our_worker(
    own: Settings, endpoints: Endpoints, clicks: Iterator[Event], progress: Progress, *, items: int, workers: int = 1
) -> AbstractContextManager[System]:
    """The worker as it is deployed."""
    return recommender(OURS, COMMAND, own, endpoints, clicks, progress, items=items, workers=workers)


def floor(
    own: Settings, endpoints: Endpoints, clicks: Iterator[Event], progress: Progress, *, items: int
) -> AbstractContextManager[System]:
    """The same handler between confluent-kafka's consumer and producer."""
    return recommender("floor", FLOOR, own, endpoints, clicks, progress, items=items)


def draw_clicks(users: int, items: int, rate: float) -> Iterator[Event]:
    """Clicks without end, `rate` a second by their own time: one of each user first, then at random."""
    random, now_ms, number = Random(0), time.time_ns() // 1_000_000, 0  # noqa: S311 (no secret is drawn)
    while True:
        user = number if number < users else random.randrange(users)
        click = Interaction(
            event_id=f"click-{number}",
            type="click",
            user_id=f"user-{user}",
            item_id=f"item-{random.randrange(items)}",
            occurred_at_ms=now_ms + int(1000 * number / rate),
        )
        yield Event(click.event_id, click.user_id.encode(), encode(click))
        number += 1


def _event_of_list(value: bytes) -> str:
    return _decode_list(value).trigger.event_id


def _event_of_echo(value: bytes) -> str:
    return _decode_event(value).event_id
