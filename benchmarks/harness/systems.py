"""The systems that are measured against each other: our workers, bare echoes, our handler without Faust.

Each runs on topics of its own with equal partition counts, and is asked and answered by one LoadClient.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.echoes import EchoName, echo_command
from benchmarks.harness.groups import await_members
from benchmarks.harness.load import Event, LoadClient
from benchmarks.harness.surroundings import draw_items, publish_items
from deploy import process
from deploy.local import Endpoints, Stack
from deploy.process import Process
from deploy.service import Progress
from deploy.workers import COMMAND, GRACE_SECONDS, Workers
from streams.kafka.admin import LEADERS_S, create_topics
from streams.kafka.admin_client import connected_admin
from streams.settings import Settings
from streams.wire import topics

START_S = 60.0
#: A rate that nothing here can keep up with: every event is due at once.
FLAT_OUT = 1e6
#: What our worker's topics begin with.
OURS = "ours"
FLOOR = (sys.executable, "-m", "benchmarks.harness.floor")


@dataclass(slots=True)
class System:
    """One of them: its client and clicks, how a process of it starts, and the events that were never answered.

    `beside` gives the seconds of processor time of what else takes part, by name.
    """

    client: LoadClient
    clicks: Iterator[Event]
    start: Callable[[int], Process]
    settle: Callable[[int], None] = lambda _: None
    beside: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    lost: int = 0

    def run(
        self, count: int, rate: float, *, patience_s: float = 10.0, meanwhile: Callable[[], None] | None = None
    ) -> NDArray[np.float64]:
        """Send the next `count` clicks; milliseconds from due to answered [count], NaN for never."""
        return self.play(list(islice(self.clicks, count)), rate, patience_s=patience_s, meanwhile=meanwhile)

    def play(
        self,
        events: Sequence[Event],
        rate: float,
        *,
        patience_s: float = 10.0,
        meanwhile: Callable[[], None] | None = None,
    ) -> NDArray[np.float64]:
        """Send these events; milliseconds from due to answered [events], NaN for never.

        `meanwhile` begins with them, in a thread of its own, and is waited for.
        """
        with ThreadPoolExecutor(1, "meanwhile") as pool:
            acting = pool.submit(meanwhile) if meanwhile is not None else None
            delays_ms = self.client.run(events, rate, patience_s=patience_s)
            if acting is not None:
                acting.result()
        self.lost += int(np.isnan(delays_ms).sum())
        return delays_ms

    def cpu_s(self) -> float:
        """Seconds of processor time that the answering processes have taken since they started."""
        return sum(process.cpu_s(each) for each in self.processes)

    def join(self) -> None:
        """Start one more process; returns when it is ready, as far as that can be told from outside."""
        self.processes.append(self.start(len(self.processes) + 1))

    def leave(self) -> None:
        """End the process that was started last; returns when it is gone."""
        process.end(self.processes.pop(), grace=GRACE_SECONDS)

    def become(self, count: int) -> None:
        """Have so many processes; returns when their group has shared out the partitions."""
        while len(self.processes) < count:
            self.join()
        while len(self.processes) > count:
            self.leave()
        self.settle(count)

    def end(self) -> None:
        """End all processes."""
        while self.processes:
            self.leave()


@contextmanager
def _ended(system: System) -> Iterator[System]:
    try:
        yield system
    finally:
        system.end()


class _Named(msgspec.Struct):
    event_id: str


class _List(msgspec.Struct):
    trigger: _Named


_decode_list = msgspec.json.Decoder(_List).decode
_decode_event = msgspec.json.Decoder(_Named).decode


@contextmanager
def echo(own: Settings, endpoints: Endpoints, clicks: Iterator[Event], name: EchoName = "faust") -> Iterator[System]:
    """A process that does nothing but send on."""
    events, answers, group = f"{name}.events", f"{name}.answers", f"bench-{name}"
    with connected_admin(endpoints.kafka) as admin:
        admin.create_topics(
            {each: {"num_partitions": own.partitions, "replication_factor": 1} for each in (events, answers)}
        )
        admin.wait_for_topics([events, answers], timeout_ms=1000 * LEADERS_S)
    client = LoadClient(endpoints.kafka, events=events, answers=answers, answered_by=_event_of_echo)

    def start(number: int) -> Process:
        title = f"{name}-{number}"
        command = echo_command(name, endpoints.kafka, group, events, answers, own.home / title)
        return process.spawn(command, log=own.home / "logs" / f"{title}.log", env={})

    with (
        closing(client),
        _ended(System(client, clicks, start, partial(await_members, endpoints.kafka, group))) as system,
    ):
        system.join()
        yield system


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
    settle = partial(await_members, endpoints.kafka, f"{settings.topic_prefix}sightline-interactions")
    with closing(client), beside.borrowed(("items",)) as (items_worker,):
        taken = {
            "items": partial(process.cpu_s, items_worker.process),
            "kafka": partial(services.cpu_s, "kafka"),
            "redis": partial(services.cpu_s, "redis"),
        }

        def start(number: int) -> Process:
            return measured.start("interactions", number=number).process

        with _ended(System(client, clicks, start, settle, taken)) as system:
            for _ in range(workers):
                system.join()
            yield system


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


def _event_of_list(value: bytes) -> str:
    return _decode_list(value).trigger.event_id


def _event_of_echo(value: bytes) -> str:
    return _decode_event(value).event_id
