"""What transactions leave in a log: records that wait, records that were taken back, and offsets without an event."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count

import pytest
from confluent_kafka import Producer
from faust.types import TP
from kafka import TopicPartition  # type: ignore[import-untyped]  # ships no types

from state.memory import MemoryPartitions
from state.partitions import START, Commit
from streams.errors import LogMismatch
from streams.kafka.admin_client import connected_admin
from streams.kafka.end_offsets import EndOffsets
from streams.kafka.faust_app import App
from streams.kafka.log_reader import Extent, KafkaLogReader
from streams.wire.records import Record, events_of
from streams.worker.liveness import Liveness
from tests.harness.fakes import DEADLINE_S, until
from tests.streams.kafka.conftest import Log, Run

pytestmark = pytest.mark.stack

_ids = count()


class Publisher:
    """A publisher with transactions on one topic."""

    def __init__(self, log: Log, *, codec: str = "none") -> None:
        self._log = log
        names = {"transactional.id": f"{log.name}{next(_ids)}", "compression.codec": codec}
        self._producer = Producer({"bootstrap.servers": log.bootstrap, "linger.ms": 20, **names})
        self._producer.init_transactions(DEADLINE_S)

    def begin(self, *values: bytes) -> None:
        """Write records that are neither committed nor aborted yet."""
        self._producer.begin_transaction()
        for value in values:
            self._producer.produce(self._log.name, value, b"k", partition=0)
        assert self._producer.flush(DEADLINE_S) == 0

    def commit(self, *values: bytes) -> None:
        """Commit these records, or what was begun."""
        if values:
            self.begin(*values)
        self._producer.commit_transaction(DEADLINE_S)

    def abort(self, *values: bytes) -> None:
        """Abort these records, or what was begun."""
        if values:
            self.begin(*values)
        self._producer.abort_transaction(DEADLINE_S)


@pytest.fixture
async def publisher(log: Log) -> Publisher:
    return await asyncio.to_thread(Publisher, log)


def values(log: Log) -> list[bytes | None]:
    return [record.value for record in events_of(log.seen)]


def lag(log: Log, app: App) -> int | None:
    return app.lags().get(TP(log.name, 0))


async def test_what_was_committed_is_read_and_its_marker_moves_the_position(
    log: Log, running: Run, publisher: Publisher
) -> None:
    app = await running(log.app(log.keep))
    await asyncio.to_thread(publisher.commit, b"a", b"b")
    await until(lambda: values(log) == [b"a", b"b"] and lag(log, app) == 0)
    assert [(each.offset, each.after, each.holds_event) for each in log.seen] == [
        (0, START, True),
        (1, 0, True),
        (2, 1, False),
    ]
    await log.write(1)
    await until(lambda: len(log.seen) == 4)
    assert log.links()[3] == (3, 2)


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_what_was_aborted_is_never_read(codec: str, log: Log, running: Run) -> None:
    publisher = await asyncio.to_thread(Publisher, log, codec=codec)
    app = await running(log.app(log.keep))
    await asyncio.to_thread(publisher.abort, *[b"x" * 900] * 50)
    await until(lambda: app.handled()[TP(log.name, 0)] == 50)
    assert values(log) == []
    await asyncio.to_thread(publisher.commit, b"y" * 900)
    await asyncio.to_thread(publisher.abort, b"z" * 900)
    await until(lambda: app.handled()[TP(log.name, 0)] == 54)
    assert (values(log), lag(log, app)) == ([b"y" * 900], 0)


async def test_transactions_that_overlap_are_told_apart(log: Log, running: Run) -> None:
    """One aborts while the other, whose records lie before and after, commits."""
    first, second = await asyncio.to_thread(Publisher, log), await asyncio.to_thread(Publisher, log)

    def write() -> None:
        first.begin(b"a")
        second.begin(b"x")
        second.abort()
        second.begin(b"b")
        first.abort()
        second.commit()
        first.commit(b"c")

    await asyncio.to_thread(write)
    app = await running(log.app(log.keep))
    await until(lambda: lag(log, app) == 0 and app.handled()[TP(log.name, 0)] == 7)
    assert values(log) == [b"b", b"c"]


async def test_what_is_open_waits_without_lag_and_comes_once_it_is_committed(
    log: Log, running: Run, publisher: Publisher
) -> None:
    app = await running(log.app(log.keep))
    await log.write(1)
    await asyncio.to_thread(publisher.begin, b"later")
    await log.write(1)
    await until(lambda: app.held_back() == {TP(log.name, 0): 1})
    await asyncio.sleep(1.5)
    assert (values(log), lag(log, app)) == ([b"0"], 0)
    await asyncio.to_thread(publisher.commit)
    await until(lambda: values(log) == [b"0", b"later", b"1"])
    await until(lambda: (lag(log, app), app.held_back()) == (0, {}))


async def test_an_idle_worker_is_alive_whatever_transactions_did(log: Log, running: Run, publisher: Publisher) -> None:
    now_s = 0.0
    end_offsets = EndOffsets(log.bootstrap)
    liveness = Liveness(end_offsets.read, clock_s=lambda: now_s)
    app = await running(log.app(log.keep))
    ends: list[Callable[[], None]] = [
        lambda: publisher.commit(b"a"),
        lambda: publisher.abort(b"b"),
        lambda: publisher.begin(b"c"),
    ]
    for act in ends:
        await asyncio.to_thread(act)
        await until(lambda: lag(log, app) == 0)
        await asyncio.sleep(1.5)
        for _ in range(60):
            now_s += 1
            await liveness.look(app.handled())
        assert liveness.problems() == []
    await end_offsets.close()


async def test_kafka_knows_of_the_offsets_without_an_event_too(log: Log, running: Run, publisher: Publisher) -> None:
    """So tools that read the group's offsets show no lag either, and a worker begins behind what was aborted."""
    app = log.app(log.keep)
    app.positions.clear()
    await running(app)
    await asyncio.to_thread(publisher.commit, b"a")
    await asyncio.to_thread(publisher.abort, b"b")
    await until(lambda: app.handled()[TP(log.name, 0)] == 3)
    assert [each.holds_event for each in log.seen] == [True]
    await app.stop()
    again = log.app(log.keep)
    again.positions.clear()
    await running(again)
    await until(lambda: lag(log, again) == 0)
    assert (again.handled(), values(log)) == ({TP(log.name, 0): 3}, [b"a"])


class Keeper:
    """A worker that stores how far it has read, as agents do with their state."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.store = MemoryPartitions()

    async def position(self) -> int:
        return (await self.store.positions([0]))[0]

    def app(self) -> App:
        app = self.log.app(self.handle)
        app.positions[self.log.name] = self.store.positions
        app.stores[self.log.name] = self.store
        return app

    async def handle(self, records: Sequence[Record]) -> None:
        """Keep the records, then store the position."""
        await self.log.keep(records)
        assert await self.store.commit([Commit(0, await self.position(), records[-1].offset, {})]) == {}


def cut(log: Log, before: int) -> None:
    """Delete the records before an offset, as retention does."""
    with connected_admin(log.bootstrap) as admin:
        admin.delete_records({TopicPartition(log.name, 0): before})


@pytest.mark.parametrize("how", ["committed", "aborted"])
async def test_a_log_that_was_cut_to_its_end_behind_a_transaction_has_lost_nothing(
    how: str, log: Log, running: Run, publisher: Publisher
) -> None:
    keeper = Keeper(log)
    first = await running(keeper.app())
    await log.write(1)
    await asyncio.to_thread(publisher.commit if how == "committed" else publisher.abort, b"last")
    await until(lambda: lag(log, first) == 0 and first.handled()[TP(log.name, 0)] == 2)
    await first.stop()
    await asyncio.to_thread(cut, log, 3)
    again = await running(keeper.app())
    await log.write(1)
    await until(lambda: values(log)[-1] == b"1")
    assert (again.failure, await keeper.position()) == (None, 3)


async def test_a_log_that_was_cut_behind_an_event_that_was_not_applied_is_refused(log: Log, running: Run) -> None:
    keeper = Keeper(log)
    first = await running(keeper.app())
    await log.write(1)
    await until(lambda: len(log.seen) == 1)
    await first.stop()
    await log.write(1)
    await asyncio.to_thread(cut, log, 2)
    again = keeper.app()
    with contextlib.suppress(LogMismatch, TimeoutError):
        await running(again)
    await until(lambda: isinstance(again.failure, LogMismatch))
    assert "retention took up to 1 events" in str(again.failure)


async def test_a_log_that_is_cut_under_a_worker_is_refused_at_once(
    log: Log, running: Run, publisher: Publisher
) -> None:
    """Here one that an open transaction holds back."""
    keeper = Keeper(log)
    app = await running(keeper.app())
    await log.write(2)
    await until(lambda: len(log.seen) == 2)
    await asyncio.to_thread(publisher.begin, b"a")
    await asyncio.to_thread(cut, log, 3)
    await until(lambda: isinstance(app.failure, LogMismatch))
    assert values(log) == [b"0", b"1"]


async def test_the_log_is_read_as_the_workers_read_it(log: Log, publisher: Publisher) -> None:
    def write() -> None:
        publisher.commit(b"a")
        publisher.abort(b"b")
        publisher.commit(b"c")
        publisher.begin(b"d")

    await asyncio.to_thread(write)
    await log.write(1)
    with closing(KafkaLogReader(log.bootstrap)) as reader:
        extent = reader.extent(log.name, 0)
        assert extent == Extent(0, 6)
        assert [each.value for each in reader.read(log.name, 0, 0, extent.end)] == [b"a", b"c"]
        assert list(reader.read(log.name, 0, 2, 4)) == []
        # An end beyond what may be read, as workers that read everything have left it in positions.
        assert [each.value for each in reader.read(log.name, 0, 4, 8)] == [b"c"]
        assert reader.offset_at(log.name, 0, 2**41 * 1000) == 6
        await asyncio.to_thread(publisher.abort)
        assert [each.value for each in reader.read(log.name, 0, 0, reader.extent(log.name, 0).end)] == [
            b"a",
            b"c",
            b"0",
        ]
