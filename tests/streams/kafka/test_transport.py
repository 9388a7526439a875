"""Faust's transport as we changed it, on real Kafka; and the faults of Faust that it works around."""

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types
from mode.threads import ServiceThread

from state.errors import StateUnavailable
from state.partitions import START
from streams.kafka import transport
from streams.kafka.faust_app import App, make_app
from streams.kafka.record_batches import MEMORY_LIMIT
from streams.wire.parsing import NOT_UNPACKED
from streams.wire.records import Record
from tests.harness.fakes import DEADLINE_S, HeaderName, until
from tests.streams.kafka.conftest import Log, Run

pytestmark = pytest.mark.stack


def committed_on_kafka(app: App, topic: str) -> int | None:
    return cast(transport.Consumer, app.consumer)._committed_offset[TP(topic, 0)]


# Where a worker resumes


async def test_a_log_without_a_position_is_read_from_its_start_each_record_linked_to_the_one_before(
    log: Log, running: Run
) -> None:
    await log.write(5)
    await running(log.app(log.keep))
    await until(lambda: len(log.seen) == 5)
    assert log.links() == [(0, START), (1, 0), (2, 1), (3, 2), (4, 3)]


async def test_a_worker_resumes_after_the_position_whatever_kafka_has_committed(log: Log, running: Run) -> None:
    await log.write(10)
    first = await running(log.app(log.keep))
    await until(lambda: len(log.seen) == 10)
    await first.consumer.commit()
    await first.stop()
    assert committed_on_kafka(first, log.name) == 10
    log.seen.clear()
    log.position = 3
    await running(log.app(log.keep))
    await until(lambda: len(log.seen) == 6)
    assert log.links() == [(4, 3), (5, 4), (6, 5), (7, 6), (8, 7), (9, 8)]


async def test_a_position_beyond_what_kafka_has_committed_is_not_read_again(log: Log, running: Run) -> None:
    await log.write(10)
    log.position = 6
    await running(log.app(log.keep))
    await until(lambda: len(log.seen) == 3)
    assert log.links() == [(7, 6), (8, 7), (9, 8)]


async def test_without_an_answer_from_the_position_store_the_first_record_is_of_unknown_place(
    log: Log, running: Run
) -> None:
    await log.write(3)
    log.position = StateUnavailable("away")
    await running(log.app(log.keep))
    await until(lambda: len(log.seen) == 3)
    assert log.links() == [(0, None), (1, 0), (2, 1)]


# Rewinding


async def test_a_rewind_of_an_idle_partition_gives_linked_records_again(log: Log, running: Run) -> None:
    await log.write(6)
    app = await running(log.app(log.keep))
    await until(lambda: len(log.seen) == 6)
    for position in (2, START, 4, 0):
        log.seen.clear()
        await app.rewind(log.name, 0, position)
        await until(lambda position=position: len(log.seen) == 5 - position)  # type: ignore[misc]  # bound now
        assert log.links() == [(offset, offset - 1) for offset in range(position + 1, 6)]


async def test_what_is_written_after_a_rewind_is_linked_to_what_the_rewind_brought(log: Log, running: Run) -> None:
    await log.write(4)
    app = await running(log.app(log.keep))
    await until(lambda: len(log.seen) == 4)
    await app.rewind(log.name, 0, 1)
    await until(lambda: len(log.seen) == 6)
    await log.write(2)
    await until(lambda: len(log.seen) == 8)
    assert log.links()[6:] == [(4, 3), (5, 4)]


async def test_a_partition_that_is_not_ours_is_not_rewound(log: Log, running: Run) -> None:
    app = await running(log.app(log.keep))
    await app.rewind(log.name, 7, 0)
    assert app.failure is None


class Follower:
    """Applies what continues its position and rewinds otherwise, as the agents do; goes back when told to."""

    def __init__(self, log: Log, back_at: set[int]) -> None:
        self.log = log
        self.app: App | None = None
        self.position = START
        self.applied: list[int] = []
        self._back_at = back_at
        self._asked = -2

    async def handle(self, records: Sequence[Record]) -> None:
        """Never applies a record before the one that came before it in the log."""
        for record in records:
            if record.offset <= self.position:
                continue
            if record.after is None or record.after > self.position:
                await self._rewind()  # what it brings may be in this batch already
                continue
            self.position = record.offset
            self.applied.append(int(record.value or b""))
        await asyncio.sleep(0.001)  # slower than the fetcher, so that the queue fills up
        if due := {at for at in self._back_at if at <= self.position}:
            self._back_at -= due
            self.position -= 700
            del self.applied[self.position + 1 :]
            await self._rewind()

    async def _rewind(self) -> None:
        assert self.app is not None
        if self._asked != self.position:
            self._asked = self.position
            await self.app.rewind(self.log.name, 0, self.position)


async def test_rewinds_with_a_full_queue_skip_nothing_and_repeat_nothing(log: Log, running: Run) -> None:
    await log.write(12_000)
    follower = Follower(log, {1_000, 4_500, 9_000, 11_500})
    follower.app = await running(log.app(follower.handle, limit=64))
    await until(lambda: len(follower.applied) == 12_000)
    assert follower.applied == list(range(12_000))


# Ending


async def test_a_worker_whose_consumer_has_crashed_can_be_stopped(
    log: Log, running: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await running(log.app(log.keep))
    await log.write(1)
    await until(lambda: len(log.seen) == 1)

    async def broken(self: transport.Consumer, partitions: set[TP] | None, timeout: float) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(transport.Consumer, "_getmany", broken)
    await until(lambda: app.crashed)
    await asyncio.wait_for(app.stop(), DEADLINE_S)
    assert committed_on_kafka(app, log.name) == 1


# What a publisher may write


async def test_a_header_whose_name_is_not_utf_8_is_handled_like_any_other_in_its_place(log: Log, running: Run) -> None:
    app = await running(log.app(log.keep))
    await log.write(1)
    producer = KafkaProducer(bootstrap_servers=log.bootstrap)
    producer.send(log.name, b"poison", b"k", headers=[(HeaderName(b"n\xff"), b"\xfe")]).get(DEADLINE_S)
    producer.close()
    await log.write(1)
    await until(lambda: len(log.seen) == 3)
    assert log.links() == [(0, START), (1, 0), (2, 1)]
    assert [(record.value, record.headers) for record in log.seen] == [
        (b"0", ()),
        (b"poison", ((r"n\xff", b"\xfe"),)),
        (b"1", ()),
    ]
    assert app.failure is None


async def test_a_header_without_a_value_is_empty(log: Log, running: Run) -> None:
    await running(log.app(log.keep))
    await asyncio.to_thread(log.produce, b"a", headers=[("null", None)])
    await until(lambda: len(log.seen) == 1)
    assert log.seen[0].headers == (("null", b""),)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_what_is_compressed_is_read_whatever_the_codec(codec: str, log: Log, running: Run) -> None:
    await running(log.app(log.keep))
    await asyncio.to_thread(log.produce, b"a" * 4000, codec=codec)
    await log.write(1)
    await until(lambda: len(log.seen) == 2)
    assert [record.value for record in log.seen] == [b"a" * 4000, b"0"]


async def test_a_batch_that_unpacks_to_far_over_the_limit_is_one_record_without_a_value(log: Log, running: Run) -> None:
    app = await running(log.app(log.keep))
    await log.write(1)
    await asyncio.to_thread(log.produce, bytes(3 * MEMORY_LIMIT), codec="gzip")
    await log.write(1)
    await until(lambda: len(log.seen) == 3)
    assert log.links() == [(0, START), (1, 0), (2, 1)]
    bomb = log.seen[1]
    assert (bomb.value, [name for name, _ in bomb.headers]) == (None, [NOT_UNPACKED])
    assert app.failure is None


# What Faust does, and we work around: when one of these fails, see whether the work-around can go


def test_faust_still_has_a_fetch_wait_of_its_own() -> None:
    source = inspect.getsource(driver.AIOKafkaConsumerThread._create_worker_consumer)
    assert "fetch_max_wait_ms=1500" in source


async def test_our_consumer_waits_50_ms_for_data(log: Log, running: Run) -> None:
    app = await running(log.app(log.keep))
    consumer = cast(transport.Consumer, app.consumer)._thread._ensure_consumer()
    assert consumer._fetcher._fetch_max_wait_ms == 50


def test_faust_still_waits_for_every_message_with_tasks() -> None:
    assert "await self.wait_first(" in inspect.getsource(driver.Consumer._drain_messages)


async def _at_once() -> str:
    return "at once"


async def _later() -> str:
    await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    return "later"


async def _never() -> str:
    await asyncio.Event().wait()
    return "never"


async def _failing_at_once() -> str:
    raise ValueError("at once")


async def _failing_later() -> str:
    await asyncio.sleep(0.01)
    raise ValueError("later")


@pytest.mark.parametrize(
    "makes", [(_at_once, _never), (_later, _never), (_never, _later), (_never, _at_once), (_later,)]
)
async def test_waiting_for_the_first_gives_what_faust_gives(makes: Sequence[Callable[[], Any]], log: Log) -> None:
    consumer = cast(transport.Consumer, log.app(log.keep).consumer)
    ours = await consumer.wait_first(*(make() for make in makes))
    theirs = await driver.Consumer.wait_first(consumer, *(make() for make in makes))
    assert (ours.results, ours.stopped) == (theirs.results, theirs.stopped)


@pytest.mark.parametrize("make", [_failing_at_once, _failing_later])
async def test_waiting_for_what_fails_fails(make: Callable[[], Any], log: Log) -> None:
    consumer = cast(transport.Consumer, log.app(log.keep).consumer)
    with pytest.raises(ValueError, match=r"at once|later"):
        await consumer.wait_first(make(), _never())


async def test_who_waits_for_the_first_may_be_cancelled(log: Log) -> None:
    consumer = cast(transport.Consumer, log.app(log.keep).consumer)
    ended: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waiting")

    task = asyncio.create_task(consumer.wait_first(waiting(), _never()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: ended == ["waiting"])


def test_faust_still_seeks_to_what_kafka_has_committed() -> None:
    assert "seek_to_committed" in inspect.getsource(driver.Consumer.perform_seek)


def test_faust_still_fetches_in_a_thread_of_its_own() -> None:
    assert issubclass(driver.AIOKafkaConsumerThread, ServiceThread)


async def test_faust_still_acknowledges_the_event_of_a_handler_that_raised(log: Log, running: Run) -> None:
    async def fail(stream: Any) -> None:
        async for _ in stream:
            raise ValueError("tried")

    app = make_app("stock", log.settings, log.bootstrap)
    app.agent(app.topic(log.name, value_serializer="raw"), name="stock")(fail)
    await log.write(1)
    await running(app)
    await until(lambda: committed_on_kafka(app, log.name) == 1)
