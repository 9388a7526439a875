"""The systems under test: our workers, plain echoes, and our handler without Faust.

Each has its own topics, with equal partition counts, and its own LoadClient.
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

from benchmarks.harness.catalogue import draw_items, publish_items
from benchmarks.harness.echoes.commands import EchoName, echo_command
from benchmarks.harness.groups import await_members
from benchmarks.harness.load import Event, LoadClient
from deploy import process
from deploy.local import Endpoints, Stack
from deploy.process import Process
from deploy.service import Progress
from deploy.workers import COMMAND, GRACE_SECONDS, Workers
from streams.kafka.admin import LEADERS_S, create_topics
from streams.kafka.admin_client import connected_admin
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace

START_S = 60.0
#: A rate that no system reaches: every event is due at once.
FLAT_OUT = 1e6
#: Prefix of the topics of our workers.
OURS = "ours"
FLOOR = (sys.executable, "-m", "benchmarks.harness.floor")


@dataclass(slots=True)
class System:
    """One system: its client and clicks, how to start a process, and the number of events never answered.

    `await_group` returns when the group has that number of members; `other_cpu_s` reads the processor time in seconds
    of the other processes that take part, by name.
    """

    client: LoadClient
    clicks: Iterator[Event]
    start: Callable[[int], Process]
    await_group: Callable[[int], None] = lambda _: None
    other_cpu_s: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)
    lost: int = 0

    def run(
        self, count: int, rate: float, *, patience_s: float = 10.0, meanwhile: Callable[[], None] | None = None
    ) -> NDArray[np.float64]:
        """Send the next `count` clicks; returns milliseconds from due to answered [count], NaN for never."""
        return self.play(list(islice(self.clicks, count)), rate, patience_s=patience_s, meanwhile=meanwhile)

    def play(
        self,
        events: Sequence[Event],
        rate: float,
        *,
        patience_s: float = 10.0,
        meanwhile: Callable[[], None] | None = None,
    ) -> NDArray[np.float64]:
        """Send these events; returns milliseconds from due to answered [events], NaN for never.

        `meanwhile` runs at the same time in another thread; `play` returns when both have ended.
        """
        with ThreadPoolExecutor(1, "meanwhile") as pool:
            acting = pool.submit(meanwhile) if meanwhile is not None else None
            delays_ms = self.client.run(events, rate, patience_s=patience_s)
            if acting is not None:
                acting.result()
        self.lost += int(np.isnan(delays_ms).sum())
        return delays_ms

    def cpu_s(self) -> float:
        """Processor time of the answering processes since their start, in seconds."""
        return sum(process.cpu_s(each) for each in self.processes)

    def join(self) -> None:
        """Start one more process; returns when it is ready, as far as that is visible from outside."""
        self.processes.append(self.start(len(self.processes) + 1))

    def leave(self) -> None:
        """End the newest process; returns when it has ended."""
        process.end(self.processes.pop(), grace=GRACE_SECONDS)

    def scale_to(self, count: int) -> None:
        """Start or end processes until there are `count`; returns when the group has assigned the partitions."""
        while len(self.processes) < count:
            self.join()
        while len(self.processes) > count:
            self.leave()
        self.await_group(count)

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
    """A process that sends every event on unchanged."""
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


def settings_of(name: str, own: Settings) -> Settings:
    """The settings of the workers of `recommender` with this name."""
    return own.model_copy(update={"topic_prefix": f"{name}.", "home": own.home / name})


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
    """Interactions workers started by `command`, an items worker, and a catalogue."""
    settings = settings_of(name, own)
    create_topics(endpoints.kafka, Namespace(settings.topic_prefix), settings.partitions, 1)
    drawn = draw_items(items, settings.dimensions)
    publish_items(endpoints.kafka, Namespace(settings.topic_prefix).topic(topics.CATALOG), drawn)
    client = LoadClient(
        endpoints.kafka,
        events=Namespace(settings.topic_prefix).topic(topics.INTERACTIONS),
        answers=Namespace(settings.topic_prefix).topic(topics.RECOMMENDATIONS),
        answered_by=_event_of_list,
    )
    measured = Workers(settings, endpoints, command=command, progress=progress)
    others = Workers(settings, endpoints, progress=progress)
    services = Stack(own)
    await_group = partial(await_members, endpoints.kafka, Namespace(settings.topic_prefix).group("interactions"))
    with closing(client), others.borrowed(("items",)) as (items_worker,):
        other_cpu_s = {
            "items": partial(process.cpu_s, items_worker.process),
            "kafka": partial(services.cpu_s, "kafka"),
            "redis": partial(services.cpu_s, "redis"),
        }

        def start(number: int) -> Process:
            return measured.start("interactions", number=number).process

        with _ended(System(client, clicks, start, await_group, other_cpu_s)) as system:
            for _ in range(workers):
                system.join()
            yield system


def our_worker(
    own: Settings, endpoints: Endpoints, clicks: Iterator[Event], progress: Progress, *, items: int, workers: int = 1
) -> AbstractContextManager[System]:
    """The deployed worker."""
    return recommender(OURS, COMMAND, own, endpoints, clicks, progress, items=items, workers=workers)


def floor(
    own: Settings, endpoints: Endpoints, clicks: Iterator[Event], progress: Progress, *, items: int
) -> AbstractContextManager[System]:
    """Our handler between confluent-kafka's consumer and producer (benchmarks/harness/floor.py)."""
    return recommender("floor", FLOOR, own, endpoints, clicks, progress, items=items)


def _event_of_list(value: bytes) -> str:
    return _decode_list(value).trigger.event_id


def _event_of_echo(value: bytes) -> str:
    return _decode_event(value).event_id
