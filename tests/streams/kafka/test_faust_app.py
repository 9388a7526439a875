"""The wiring of a worker: what an agent that fails leaves behind, and the lag that a process tells."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from faust.types import TP
from kafka import KafkaAdminClient  # type: ignore[import-untyped]  # ships no types

from state.errors import StateUnavailable
from state.memory import MemoryPartitions
from state.partitions import Loaded
from streams.kafka.faust_app import App, Handler, NoTables, add_agent, add_overlapping_agent, make_app
from streams.kafka.publisher import KafkaPublisher
from streams.settings import Settings
from streams.wire.namespace import Namespace
from streams.wire.records import Message, Record
from streams.wire.topics import Topic
from tests.conftest import RunningStack
from tests.harness.fakes import DEADLINE_S, until

pytestmark = pytest.mark.stack

TOPIC = Topic("log", "anything", {}, "a log of one partition")


class Process:
    """One topic, and apps that read it as a worker does."""

    def __init__(self, bootstrap: str, prefix: str, home: Path, apps: AsyncExitStack) -> None:
        self.bootstrap = bootstrap
        self.settings = Settings(topic_prefix=prefix, home=home)
        self.tp = TP(prefix + TOPIC.name, 0)
        self.apps = apps
        self.publisher = KafkaPublisher(bootstrap)

    async def write(self, count: int) -> None:
        await self.publisher.publish([Message(self.tp.topic, b"k", b"v")] * count)

    async def run(self, handle: Handler, *, limit: int = 256) -> App:
        app = make_app("tried", self.settings, self.bootstrap)
        add_agent(app, TOPIC, handle, name=TOPIC.name, namespace=Namespace(self.settings.topic_prefix), limit=limit)
        return await self._start(app)

    async def run_overlapping(self, work: Handler, settle: Callable[[None], Awaitable[None]]) -> App:
        """One record a batch, four at once."""
        app = make_app("tried", self.settings, self.bootstrap)
        prefix = self.settings.topic_prefix
        add_overlapping_agent(
            app, TOPIC, work, settle, _nothing, name=TOPIC.name, namespace=Namespace(prefix), limit=1, at_once=4
        )
        return await self._start(app)

    async def _start(self, app: App) -> App:
        self.apps.push_async_callback(app.stop)
        await app.start()
        await asyncio.wait_for(app.assigned.wait(), DEADLINE_S)
        return app


async def _nothing(_: None) -> None:
    """Nothing is left to be done."""


@pytest.fixture
async def process(stack: RunningStack, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Process]:
    admin = KafkaAdminClient(bootstrap_servers=stack.endpoints.kafka)
    admin.create_topics(
        {topic_prefix + TOPIC.name: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True
    )
    admin.close()
    async with AsyncExitStack() as apps:
        made = Process(stack.endpoints.kafka, topic_prefix, tmp_path, apps)
        yield made
    await made.publisher.close()


class Handled:
    """Remembers what it was given, and raises when it sees an offset."""

    def __init__(self, *, fails_at: int | None = None) -> None:
        self.batches: list[list[int]] = []
        self._fails_at = fails_at

    async def __call__(self, records: Sequence[Record]) -> None:
        self.batches.append([record.offset for record in records])
        if self._fails_at in self.batches[-1]:
            raise ZeroDivisionError("a bug")

    @property
    def offsets(self) -> list[int]:
        return [offset for batch in self.batches for offset in batch]


async def test_an_agent_whose_handler_raises_stops_and_says_why(process: Process) -> None:
    await process.write(5)
    handled = Handled(fails_at=2)
    app = await process.run(handled, limit=1)
    await until(lambda: app.failure is not None)
    assert isinstance(app.failure, ZeroDivisionError)
    assert handled.offsets == [0, 1, 2]


async def test_what_an_agent_failed_on_is_handled_by_the_next_process(process: Process) -> None:
    await process.write(5)
    failing = Handled(fails_at=2)
    app = await process.run(failing, limit=1)
    await until(lambda: app.failure is not None)
    await app.stop()
    handled = Handled()
    await process.run(handled)
    await until(lambda: handled.offsets[-1:] == [4])
    assert handled.offsets == [2, 3, 4]


async def nothing(_: None) -> None:
    """Settle without effect."""


async def test_overlapping_batches_are_under_way_together_and_acknowledged_in_order(process: Process) -> None:
    await process.write(6)
    handled, first = Handled(), asyncio.Event()

    async def work(records: Sequence[Record]) -> None:
        await handled(records)
        if records[0].offset == 0:
            await first.wait()

    app = await process.run_overlapping(work, nothing)
    await until(lambda: handled.offsets == [0, 1, 2, 3])
    assert app.lags() == {process.tp: 6}
    first.set()
    await until(lambda: app.lags() == {process.tp: 0})
    assert handled.offsets == list(range(6))


async def test_what_overlapping_batches_failed_on_and_all_after_it_is_handled_by_the_next_process(
    process: Process,
) -> None:
    await process.write(5)
    app = await process.run_overlapping(Handled(fails_at=2), nothing)
    await until(lambda: app.failure is not None)
    assert isinstance(app.failure, ZeroDivisionError)
    await app.stop()
    handled = Handled()
    await process.run_overlapping(handled, nothing)
    await until(lambda: handled.offsets[-1:] == [4])
    assert set(handled.offsets) >= {2, 3, 4}


async def test_no_batch_is_larger_than_the_limit_and_all_records_come_in_order(process: Process) -> None:
    await process.write(500)
    handled = Handled()

    async def work(records: Sequence[Record]) -> None:
        await handled(records)
        await asyncio.sleep(0.005)

    await process.run(work, limit=64)
    await until(lambda: len(handled.offsets) == 500)
    assert handled.offsets == list(range(500))
    assert max(map(len, handled.batches)) <= 64
    assert max(map(len, handled.batches)) > 1


async def test_the_lag_counts_what_is_not_handled_yet(process: Process) -> None:
    gate = asyncio.Event()

    async def wait(_: Sequence[Record]) -> None:
        await gate.wait()

    await process.write(7)
    app = await process.run(wait)
    await until(lambda: app.lags() == {process.tp: 7})
    gate.set()
    await until(lambda: app.lags() == {process.tp: 0})


async def test_a_process_that_finds_everything_handled_has_no_lag(process: Process) -> None:
    await process.write(7)
    handled = Handled()
    first = await process.run(handled)
    await until(lambda: first.lags() == {process.tp: 0})
    await first.consumer.commit()
    await first.stop()
    second = await process.run(handled)
    await until(lambda: process.tp in second.lags())
    assert second.lags() == {process.tp: 0}


async def test_what_the_state_holds_is_no_lag_though_kafka_never_heard_of_it(process: Process) -> None:
    async def positions(partitions: Sequence[int]) -> dict[int, int]:
        return dict.fromkeys(partitions, 6)

    await process.write(7)
    app = make_app("tried", process.settings, process.bootstrap)
    app.positions[process.tp.topic] = positions
    add_agent(app, TOPIC, Handled(), name=TOPIC.name, namespace=Namespace(process.settings.topic_prefix), limit=256)
    process.apps.push_async_callback(app.stop)
    await app.start()
    await until(lambda: app.handled() == {process.tp: 6})
    assert sum(app.lags().values()) == 0


async def test_few_pictures_and_some_events_wait_in_memory(process: Process) -> None:
    apps = {name: make_app(name, process.settings, process.bootstrap) for name in ("uploads", "items")}
    assert {name: app.conf.stream_buffer_maxsize for name, app in apps.items()} == {"uploads": 64, "items": 1024}


async def test_a_start_waits_for_no_tables(process: Process) -> None:
    app = make_app("tried", process.settings, process.bootstrap)
    assert isinstance(app.tables, NoTables)
    await asyncio.wait_for(app.tables.sleep(3600.0), DEADLINE_S)


async def test_a_rewind_of_a_partition_that_is_not_ours_does_nothing(process: Process) -> None:
    handled = Handled()
    app = await process.run(handled)
    await app.rewind(process.tp.topic, 9, 0)
    assert app.failure is None


class Faltering(MemoryPartitions):
    """Refuses as often as it is told to."""

    refusals = 0

    async def load(self, wanted: Mapping[int, Sequence[str]]) -> dict[int, Loaded]:
        if self.refusals:
            self.refusals -= 1
            raise StateUnavailable("the connection was closed")
        return await super().load(wanted)


async def test_a_rewind_is_made_though_the_state_cannot_be_reached_at_first(process: Process) -> None:
    handled = Handled()
    await process.write(3)
    app = await process.run(handled)
    await until(lambda: handled.offsets == [0, 1, 2])
    store = app.stores[process.tp.topic] = Faltering()
    store.refusals = 2

    await app.rewind(process.tp.topic, 0, 0)

    await until(lambda: handled.offsets == [0, 1, 2, 1, 2])
