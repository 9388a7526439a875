"""A whole system for one test, or for a file: topics of its own on the real stack, and the workers it asks for."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pytest
from confluent_kafka import Producer
from kafka.admin import MemberToRemove  # type: ignore[import-untyped]  # ships no types
from PIL import Image

from deploy.workers import ALL, Worker, WorkerName, Workers
from streams.kafka.admin import create_topics
from streams.kafka.admin_client import connected_admin
from streams.kafka.log_reader import KafkaLogReader
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from tests.conftest import RunningStack

DEADLINE_S = 90.0


@dataclass(frozen=True, slots=True)
class System:
    """Where a test's topics and workers are."""

    settings: Settings
    stack: RunningStack
    workers: Workers

    @property
    def kafka(self) -> str:
        """The broker's address."""
        return self.stack.endpoints.kafka

    def topic(self, name: str) -> str:
        """A topic's name in this test."""
        return self.settings.topic_prefix + name

    def start(self, *names: WorkerName) -> list[Worker]:
        """Start workers; they are ended with the test."""
        return self.workers.start_all(names)

    def kill(self, *killed: Worker) -> None:
        """SIGKILL all workers of a kind. Their group hears of it, for which it would else wait 10 s each time."""
        for worker in killed:
            self.workers.kill(worker)
        with connected_admin(self.kafka) as admin:
            for name in {worker.name for worker in killed}:
                group = Namespace(self.settings.topic_prefix).group(name)
                members = admin.describe_groups([group])[group]["members"]
                admin.remove_group_members(group, [MemberToRemove(each["member_id"]) for each in members])

    def producer(self) -> Producer:
        """A producer that sends what it is given, good or bad."""
        return Producer({"bootstrap.servers": self.kafka, "partitioner": "murmur2_random", "linger.ms": 1})

    def read(self, name: str) -> list[Record]:
        """All records that a topic holds now, partition by partition."""
        (topic,) = (each for each in topics.ALL if each.name == name)
        return read_log(self.kafka, self.topic(name), topic.count(self.settings.partitions))


@contextmanager
def system_on(stack: RunningStack, prefix: str) -> Iterator[System]:
    """A system whose topics have a prefix; its workers are ended, all at once, on leaving."""
    settings = stack.settings.model_copy(update={"topic_prefix": prefix, "partitions": 4})
    create_topics(stack.endpoints.kafka, Namespace(prefix), settings.partitions, 1)
    workers = Workers(settings, stack.endpoints)
    try:
        yield System(settings, stack, workers)
    finally:
        started = [workers.find(name, number=number) for name in ALL for number in (1, 2)]
        with ThreadPoolExecutor(len(started)) as pool:
            list(pool.map(workers.stop, filter(None, started)))


@pytest.fixture
def system(stack: RunningStack, topic_prefix: str) -> Iterator[System]:
    with system_on(stack, topic_prefix) as found:
        yield found


@pytest.fixture(scope="module")
def shared_system(stack: RunningStack) -> Iterator[System]:
    """One for all tests of a file, which have users and items of their own."""
    with system_on(stack, f"t{uuid.uuid4().hex[:10]}.") as found:
        yield found


def variables_of(system: System) -> dict[str, str]:
    """The settings under which a command finds a test's system."""
    settings = system.settings
    return {
        "home": str(settings.home),
        "tools": str(settings.tools),
        "topic_prefix": settings.topic_prefix,
        "partitions": str(settings.partitions),
    }


def read_log(kafka: str, topic: str, partitions: int) -> list[Record]:
    """Every record of a topic up to its ends as they are now."""
    with closing(KafkaLogReader(kafka)) as reader:
        extents = [(partition, reader.extent(topic, partition)) for partition in range(partitions)]
        return [each for partition, held in extents for each in reader.read(topic, partition, held.first, held.end)]


def eventually(condition: Callable[[], bool], what: str, *, deadline_s: float = DEADLINE_S) -> None:
    """Wait until a condition holds, however slow the machine; what raises on the way counts as not yet."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        with suppress(AssertionError):
            if condition():
                return
        time.sleep(0.1)
    pytest.fail(f"not within {deadline_s:.0f} s: {what}")


def jpeg(colour: tuple[int, int, int], *, seed: int = 0) -> bytes:
    """A picture of one colour with some texture."""
    noise = np.random.default_rng(seed).integers(-20, 20, (240, 240, 3))
    pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG")
    return out.getvalue()
