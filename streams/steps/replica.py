"""Keeps the ring of recent steps in the worker's memory up to date: reads all partitions of state.steps, in no group.

At its start it reads back the last steps, for START_S at most; then it follows. A topic that is empty, missing or
forbidden is no failure: lists go on without the source `sessions`, and the log says so.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from inference.behaviour.recent_steps import RecentSteps
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import AccessRefused, BrokerUnavailable
from streams.kafka.admin import read_log
from streams.kafka.following import follower, started
from streams.kafka.log_reader import KafkaLogReader
from streams.logs import Seldom, log
from streams.metrics import RECENT_STEPS, STEPS_LAG
from streams.processing.background import end, failure_of
from streams.steps.feed import StepsFeed
from streams.steps.latest import read_latest
from streams.wire.records import Record

#: The longest time for which a worker waits for the last steps; older ones are left out then.
START_S: Final = 20.0
#: How long after a failure the topic is tried again.
_AGAIN_S: Final = 5.0
_FETCH_RECORDS: Final = 2000
#: How long messages gather before they are read.
_PAUSE_S: Final = 0.1


class StepsReplica:
    """Feeds a ring of `limit` steps; it may be read at any time, and is empty before `start` returns."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        limit: int,
        *,
        security: KafkaSecurity = PLAINTEXT,
        start_s: float = START_S,
        again_s: float = _AGAIN_S,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.ring = RecentSteps(limit)
        self._bootstrap, self._topic, self._limit, self._security = bootstrap, topic, limit, security
        self._start_s, self._again_s = start_s, again_s
        self._feed = StepsFeed(self.ring, clock_ms)
        #: The next offset to read, by partition; empty until the last steps were read.
        self._places: dict[int, int] = {}
        self._tried = asyncio.Event()
        self._stopping = False
        self._seldom = Seldom(60.0)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the last steps, and follow the topic in the background from then on."""
        self._task = asyncio.create_task(self._run(), name="recent steps")
        # Twice: to find the topic may take as long as to read it.
        with suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), 2 * self._start_s)
        log.info("recent_steps_ready", steps=len(self.ring), known=self.is_known)

    @property
    def failure(self) -> BaseException | None:
        """The unexpected error that ended the replica; the process must end, too."""
        return failure_of(self._task)

    @property
    def is_known(self) -> bool:
        """Whether the last steps were read; otherwise the topic is missing, or could not be read yet."""
        return bool(self._places)

    async def stop(self) -> None:
        """Stop reading; the ring keeps its steps."""
        self._stopping = True
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                await self._read_back()
                await self._follow()
            except (BrokerUnavailable, AccessRefused, KafkaError) as error:
                left_out = self._seldom.left_out(type(error).__name__)
                if left_out is not None:
                    log.warning("recent_steps_unread", error=str(error), left_out=left_out)
            await asyncio.sleep(self._again_s)

    async def _read_back(self) -> None:
        """Read the last steps, unless they were read."""
        try:
            if not self.is_known:
                records, places = await asyncio.to_thread(self._latest)
                await self._apply(records)
                self._places = places
                self._count()
        finally:
            self._tried.set()

    def _latest(self) -> tuple[list[Record], dict[int, int]]:
        found = read_log(self._bootstrap, self._topic, security=self._security)
        last_s = time.monotonic() + self._start_s
        with closing(KafkaLogReader(self._bootstrap, security=self._security)) as reader:
            records = read_latest(reader, found, self._limit, lambda: self._stopping or time.monotonic() > last_s)
        return records, {partition: extent.end for partition, extent in found.extents.items()}

    async def _follow(self) -> None:
        # Where it goes on with the first record, what was applied is recognised.
        consumer = follower(self._bootstrap, security=self._security)
        async with started(consumer):
            places = {TopicPartition(self._topic, partition): place for partition, place in self._places.items()}
            consumer.assign(list(places))
            for tp, place in places.items():
                consumer.seek(tp, place)
            while True:
                await self._read(consumer, places)

    async def _read(self, consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> None:
        # Many small messages at once cost much less than one by one.
        await asyncio.sleep(_PAUSE_S)
        found = await consumer.getmany(timeout_ms=1000, max_records=_FETCH_RECORDS)
        await self._apply(record for records in found.values() for record in records)
        self._places |= {tp.partition: records[-1].offset + 1 for tp, records in found.items() if records}
        self._count()
        lags = ((consumer.highwater(tp) or 0) - self._places[tp.partition] for tp in partitions)
        STEPS_LAG.set(sum(max(lag, 0) for lag in lags))

    async def _apply(self, records: Iterable[Record | ConsumerRecord[bytes, bytes]]) -> None:
        for _ in self._feed.apply((record.partition, record.value) for record in records):
            await asyncio.sleep(0)

    def _count(self) -> None:
        RECENT_STEPS.set(len(self.ring))
