"""Follows topics from a while ago on, all partitions and in no group: for those who listen now."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.kafka.following import TIMEOUT_MS, follower, started
from streams.logs import Seldom, log
from streams.processing.background import end, failure_of

Received: TypeAlias = "ConsumerRecord[bytes, bytes]"
#: The longest wait for the topics at the start.
_START_S: Final = 30.0
_AGAIN_S: Final = 1.0
_FETCH_RECORDS: Final = 1000
#: A quiet partition must not hold up a busy one for the default of half a second.
_FETCH_WAIT_MS: Final = 50


@dataclass(frozen=True, slots=True)
class Followed:
    """What reads the records of a topic, in the order of each partition, and from how many seconds ago on.

    Of a partition no more than the last `most` records from before the start are read.
    """

    read: Callable[[Sequence[Received]], None]
    back_s: float
    most: int = 1000


class TopicTail:
    """Gives the records of topics to who reads them; `start` returns when it reads on from a known place."""

    def __init__(
        self,
        bootstrap: str,
        followed: Mapping[str, Followed],
        *,
        security: KafkaSecurity = PLAINTEXT,
        timeout_ms: int = TIMEOUT_MS,
    ) -> None:
        """`timeout_ms` is how long Kafka is waited for, also for a topic that does not exist."""
        self._bootstrap, self._followed, self._security = bootstrap, followed, security
        self._timeout_ms = timeout_ms
        self._places: dict[TopicPartition, int] = {}
        self._known: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._seldom = Seldom(60.0)

    async def start(self) -> None:
        """Find the topics, and follow them in the background from then on; raises BrokerUnavailable."""
        self._known = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(), name="tail of topics")
        waiting: set[asyncio.Future[None]] = {self._known, self._task}
        await asyncio.wait(waiting, timeout=_START_S, return_when=asyncio.FIRST_COMPLETED)
        if self.failure is not None:
            raise self.failure
        if not self._known.done():
            raise BrokerUnavailable(f"Kafka at {self._bootstrap} does not answer within {_START_S:.0f} s")

    @property
    def failure(self) -> BaseException | None:
        """The unexpected error that ended the tail; the process must end, too."""
        return failure_of(self._task)

    async def stop(self) -> None:
        """Follow no more."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except UnknownTopicOrPartitionError:
                if not self._places:
                    raise BrokerUnavailable.no_topic(" or ".join(sorted(self._followed))) from None
            except KafkaError as error:
                left_out = self._seldom.left_out(type(error).__name__)
                if left_out is not None:
                    log.warning("tail_unread", error=str(error), left_out=left_out)
            await asyncio.sleep(_AGAIN_S)

    async def _follow(self) -> None:
        consumer = follower(
            self._bootstrap,
            *self._followed,
            security=self._security,
            timeout_ms=self._timeout_ms,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        async with started(consumer):
            if not self._places:
                self._places = await self._first_places(consumer)
            for tp, place in self._places.items():
                consumer.seek(tp, place)
            if self._known is not None and not self._known.done():
                self._known.set_result(None)
            while True:
                self._read(await consumer.getmany(timeout_ms=1000, max_records=_FETCH_RECORDS))

    async def _first_places(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Where to begin with each partition; raises BrokerUnavailable for a topic that is not there."""
        partitions = consumer.assignment()
        for topic in self._followed.keys() - {tp.topic for tp in partitions}:
            raise BrokerUnavailable.no_topic(topic)
        now_ms = time.time_ns() // 1_000_000
        wanted = {tp: now_ms - int(1000 * self._followed[tp.topic].back_s) for tp in partitions}
        firsts, ends = await consumer.beginning_offsets(list(wanted)), await consumer.end_offsets(list(wanted))
        found = await consumer.offsets_for_times(wanted)
        places = {}
        for tp, at in found.items():
            by_time = ends[tp] if at is None else at.offset
            places[tp] = max(by_time, ends[tp] - self._followed[tp.topic].most, firsts[tp])
        return places

    def _read(self, found: Mapping[TopicPartition, Sequence[Received]]) -> None:
        for tp, records in found.items():
            if records:
                self._followed[tp.topic].read(records)
                self._places[tp] = records[-1].offset + 1
