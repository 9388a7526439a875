"""A log of one partition on real Kafka, and workers' apps that read it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types

from state.errors import StateUnavailable
from state.partitions import START
from streams.kafka.faust_app import App, Handler, add_agent, make_app
from streams.kafka.publisher import KafkaPublisher
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import Topic
from tests.conftest import RunningStack
from tests.harness.fakes import DEADLINE_S

Run = Callable[[App], Awaitable[App]]

TOPIC = Topic("log", "anything", {}, "a log of one partition")


class Log:
    """One topic of one partition, what an agent gets of it, and the position that resuming starts from."""

    def __init__(self, bootstrap: str, prefix: str, home: Path, publisher: KafkaPublisher) -> None:
        self.bootstrap = bootstrap
        self.settings = Settings(topic_prefix=prefix, home=home)
        self._publisher = publisher
        self._end = 0
        self.name = prefix + TOPIC.name
        self.position: int | StateUnavailable = START
        self.seen: list[Record] = []

    async def write(self, count: int) -> None:
        """Append `count` records; each value is its offset."""
        values = range(self._end, self._end + count)
        self._end += count
        await self._publisher.publish([Message(self.name, b"k", str(value).encode()) for value in values])

    def produce(self, value: bytes, *, codec: str = "none", headers: Sequence[tuple[str, bytes | None]] = ()) -> None:
        """Append a record in a batch of its own."""
        limits = {"message.max.bytes": 1_000_000_000, "queue.buffering.max.kbytes": 1_000_000}
        producer = Producer({"bootstrap.servers": self.bootstrap, "compression.codec": codec} | limits)
        producer.produce(self.name, value, b"k", partition=0, headers=list(headers))
        assert producer.flush(DEADLINE_S) == 0

    async def keep(self, records: Sequence[Record]) -> None:
        """A handler that only remembers."""
        self.seen += records

    def app(self, handle: Handler, *, limit: int = 256) -> App:
        """A worker's app with one agent on the topic."""
        app = make_app("tried", self.settings, self.bootstrap)
        app.positions[self.name] = self._positions
        add_agent(app, TOPIC, handle, name=TOPIC.name, namespace=Namespace(self.settings.topic_prefix), limit=limit)
        return app

    def links(self) -> list[tuple[int, int | None]]:
        """What was seen, as (offset, offset before it)."""
        return [(record.offset, record.after) for record in self.seen]

    async def _positions(self, partitions: Sequence[int]) -> dict[int, int]:
        if isinstance(self.position, StateUnavailable):
            raise self.position
        return dict.fromkeys(partitions, self.position)


@pytest.fixture
async def log(stack: RunningStack, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Log]:
    admin = KafkaAdminClient(bootstrap_servers=stack.endpoints.kafka)
    admin.create_topics(
        {topic_prefix + TOPIC.name: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
    )
    admin.close()
    publisher = KafkaPublisher(stack.endpoints.kafka)
    yield Log(stack.endpoints.kafka, topic_prefix, tmp_path, publisher)
    await publisher.close()


@pytest.fixture
async def running() -> AsyncIterator[Callable[[App], Awaitable[App]]]:
    async with AsyncExitStack() as apps:

        async def run(app: App) -> App:
            apps.push_async_callback(app.stop)
            await app.start()
            await asyncio.wait_for(app.assigned.wait(), DEADLINE_S)
            return app

        yield run
