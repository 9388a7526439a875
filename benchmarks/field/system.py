"""The whole system on services of its own, as apps, operators and probes see it."""

import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Producer

from benchmarks.harness.own_stack import own_stack
from deploy.local import Endpoints
from deploy.process import inherited
from deploy.service import Progress
from deploy.workers import SIGHTLINE, Worker, WorkerName, Workers
from streams.kafka.admin import create_topics
from streams.kafka.log_reader import KafkaLogReader
from streams.processing.dead_letters import read_letter
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.records import Record

DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies."""

    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class System:
    """One app: its settings, its workers, and what can be done with them from outside."""

    settings: Settings
    endpoints: Endpoints
    workers: Workers
    running: dict[WorkerName, Worker] = field(default_factory=dict)

    def topic(self, topic: topics.Topic) -> str:
        """The full name of a topic."""
        return Namespace(self.settings.topic_prefix).topic(topic)

    def publish(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Mapping[str, bytes] | None = None
    ) -> Place:
        """Publish a record as an app would that has no client of ours."""
        places: list[Place] = []
        producer = Producer({"bootstrap.servers": self.endpoints.kafka, "partitioner": "murmur2_random"})
        name = self.settings.topic_prefix + topic

        def delivered(error: Any, message: Any) -> None:
            assert error is None, error
            places.append(Place(name, message.partition(), message.offset()))

        producer.produce(name, value, key, headers=dict(headers or {}), on_delivery=delivered)
        producer.flush(DEADLINE_S)
        return places[0]

    def click(self, user: str, item: str, event_id: str) -> Place:
        """Publish a click of now."""
        return self.publish("events.interactions", user.encode(), click(user, item, event_id))

    def records(self, topic: topics.Topic) -> Iterator[Record]:
        """All records of a topic now."""
        with closing(KafkaLogReader(self.endpoints.kafka)) as log:
            for partition in range(self.settings.partitions):
                extent = log.extent(self.topic(topic), partition)
                yield from log.read(self.topic(topic), partition, extent.first, extent.end)

    def refusal(self, place: Place) -> str | None:
        """The reason of the dead letter of a record; None if it has none."""
        letters = (read_letter(record.value) for record in self.records(topics.DEAD_LETTERS))
        found = [each for each in letters if each is not None]
        return next((x.reason for x in found if Place(x.topic, x.partition, x.offset) == place), None)

    def lists(self) -> list[dict[str, Any]]:
        """All lists that were published, by partition in their order."""
        return [json.loads(record.value) for record in self.records(topics.RECOMMENDATIONS) if record.value]

    def probe(self, worker: WorkerName, path: str, method: str = "GET") -> tuple[int, str]:
        """The answer of a worker's HTTP port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.running[worker].metrics_port, timeout=10)
        with closing(connection):
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace").strip()

    def sightline(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the system's settings, or with others."""
        services = {"kafka": self.endpoints.kafka, "redis": self.endpoints.redis, "triton": self.endpoints.triton}
        given = self.settings.model_copy(update=services).environment()
        environment = inherited(given | {f"SIGHTLINE_{key.upper()}": value for key, value in settings.items()})
        return subprocess.run(  # noqa: S603 (our own command)
            [*SIGHTLINE, *words], env=environment, capture_output=True, text=True, timeout=180, check=False
        )

    def restart(self, name: WorkerName) -> Worker:
        """Stop a worker and start it again; raises StackError if it does not become ready."""
        self.workers.stop(self.running[name])
        self.running[name] = self.workers.start(name)
        return self.running[name]


def click(user: str, item: str, event_id: str) -> bytes:
    """A click of now as JSON."""
    now_ms = time.time_ns() // 1_000_000
    event = {"event_id": event_id, "type": "click", "user_id": user, "item_id": item, "occurred_at_ms": now_ms}
    return json.dumps(event).encode()


def await_that(condition: Callable[[], bool], deadline_s: float = DEADLINE_S) -> bool:
    """Whether the condition holds within `deadline_s`."""
    until = time.monotonic() + deadline_s
    while not (met := condition()) and time.monotonic() < until:
        time.sleep(0.1)
    return met


def arrived(system: System, users: Sequence[str]) -> set[str]:
    """The users who have a list."""
    return {each["user_id"] for each in system.lists()} & set(users)


@contextmanager
def running_system(settings: Settings, progress: Progress) -> Iterator[System]:
    """Kafka, Redis and Triton with one worker of each kind; all end on leaving."""
    with own_stack(settings, progress, services=("kafka", "redis", "triton")) as (own, endpoints):
        # Most of what operators met was met in a system without a prefix.
        own = own.model_copy(update={"topic_prefix": ""})
        create_topics(endpoints.kafka, Namespace(), own.partitions, 1)
        workers = Workers(own, endpoints, progress=progress)
        with workers.borrowed() as started:
            yield System(own, endpoints, workers, {worker.name: worker for worker in started})
