"""Faust's Kafka transport, which resumes from our positions and links each record to the one before it.

It differs from Faust's own in seven points (docs/adr/0002, docs/adr/0016):

- On assignment it seeks to `position + 1` from the state store, not to Kafka's committed offset.
- Every message carries `after`: the offset of the record before it in its partition. A message may be applied to a
  state at position p only if `after <= p`. So a record that Faust or a seek dropped is never skipped.
- It reads what was committed, and tells of offsets that hold no event: markers of transactions, aborted records, what
  compaction took. Where the consumer has passed some, a message without an event follows (`Passed`), so positions,
  acknowledgements and lag go with the consumer's position, not with the last event.
- It has no thread of its own. A fetch is an await in the worker's event loop; with a second loop, every event would
  cost two thread switches and a wait for the interpreter. Fetches and seeks also have an order.
- A message that finds room in its queue costs no task.
- A fetch waits 50 ms for data, not 1500 ms: with 1500 ms, a busy partition can hold back a sparse one.
- Batches are unpacked by streams/kafka/record_batches.py, so that no published batch can crash the worker.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from faust.transport.consumer import RecordMap
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Seconds
from mode.services import WaitResults

from state.errors import StateUnavailable
from state.partitions import START
from streams.kafka.consumer_in_loop import ConsumerInLoop, PartitionState
from streams.logs import log

SCHEME = "sightline"
TRANSPORTS.aliases[SCHEME] = f"{__name__}:Transport"

#: An idle worker looks this often whether it has passed offsets that hold no event.
LOOK_S = 0.25

#: Returns the positions of those partitions whose position is stored with their state.
PositionReader = Callable[[set[TP]], Awaitable[dict[TP, int]]]


class LinkedMessage(ConsumerMessage):
    """A message with the offset of the record before it; None when that is not known."""

    after: int | None = None
    holds_event: bool = True


@dataclass(frozen=True, slots=True)
class Passed:
    """Stands for offsets up to `offset` that hold no event; it has the attributes of aiokafka's records."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int = 1
    headers: tuple[tuple[str, bytes], ...] = ()
    key: None = None
    value: None = None
    checksum: None = None
    serialized_key_size: int = -1
    serialized_value_size: int = -1


class _Rest:
    """The rest of a coroutine that already ran to its first wait; awaiting it completes the coroutine."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], awaited: Any) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, Any]:
        awaited = self._awaited
        try:
            while True:
                try:
                    sent = yield awaited
                except BaseException as error:  # noqa: BLE001 (the coroutine handles a cancellation, too)
                    awaited = self._coroutine.throw(error)
                else:
                    awaited = self._coroutine.send(sent)
        except StopIteration as end:
            return end.value


class Consumer(driver.Consumer):
    """Faust's consumer, with the positions of the state store."""

    _thread: ConsumerInLoop

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_positions: PositionReader = self.app.read_positions  # type: ignore[attr-defined]  # streams.kafka.faust_app.App
        self._last: dict[TP, int] = {}
        self._sought: dict[TP, int] = {}
        self._seeking: set[TP] = set()
        self._links: dict[TP, dict[int, int | None]] = {}

    def _new_consumer_thread(self) -> ConsumerInLoop:
        return ConsumerInLoop(self, loop=self.loop, thread_loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """As Faust's; from here on no record is known to follow another."""
        self._forget()
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """As Faust's; another worker may have moved a partition that comes back."""
        self._forget()
        await super().on_partitions_assigned(assigned, generation_id)

    def held_back_at(self, tp: TP) -> int | None:
        """The offset from which on an open transaction holds records back; None where none does."""
        return self._thread.held_back_at(tp)

    def committed(self, tp: TP) -> int:
        """The last handled offset of a partition by Kafka's committed offsets; -1 where there is none."""
        return (self._committed_offset.get(tp) or 0) - 1

    async def perform_seek(self) -> None:
        """Seek to the committed offsets, then to `position + 1` of each partition with a stored position."""
        self._forget()
        await super().perform_seek()
        self._forget()
        try:
            positions = await self._read_positions(set(self.assignment()))
        except StateUnavailable as error:
            # The first record then has no known predecessor: the agent reads the position itself and rewinds.
            log.warning("positions_unknown", error=str(error))
            return
        for tp, position in positions.items():
            await self.rewind(tp, position)

    async def sleep(self, n: Seconds) -> None:
        """As Faust's, without the three tasks that Faust makes between two fetches even for 0 seconds."""
        if n == 0:
            await asyncio.sleep(0)
        else:
            await super().sleep(n)

    async def wait_first(self, *coros: Any, timeout: Seconds | None = None) -> WaitResults:
        """As Faust's, which makes four tasks for every message; here a coroutine that need not wait just runs."""
        first, *others = coros
        if timeout is None and isinstance(first, Coroutine) and not self._stopped.is_set():
            try:
                first = _Rest(first, first.send(None))
            except BaseException as end:
                for other in others:
                    other.close()
                if isinstance(end, StopIteration):
                    return WaitResults([first], [end.value], stopped=False)
                raise
        return await super().wait_first(first, *others, timeout=timeout)  # type: ignore[arg-type]  # None is its default

    async def rewind(self, tp: TP, position: int) -> None:
        """Fetch again from the record after `position`; records fetched before have no known predecessor."""
        self._seeking.add(tp)
        self._last.pop(tp, None)
        self._sought.pop(tp, None)
        try:
            await self.seek(tp, position + 1)
            self._sought[tp] = position
        finally:
            self._seeking.discard(tp)

    async def _wait_next_records(self, timeout: float) -> tuple[RecordMap | None, set[TP] | None]:
        records, active = await super()._wait_next_records(min(timeout, LOOK_S))
        # Nothing was awaited since aiokafka chose the offsets, so these records were fetched after every seek.
        self._last.update(self._sought)
        self._sought.clear()
        self._links.clear()
        fetched = cast(dict[TP, list[Any]], records or {})
        unclear = self._unclear(active or (), fetched)
        await self._check_resets(unclear, fetched)
        for tp, state in unclear.items():
            if (passed := self._passed(tp, state, fetched.get(tp, ()))) is not None:
                fetched.setdefault(tp, []).append(passed)
        for tp, found in fetched.items():
            moved = tp in self._seeking
            self._links[tp] = links = {}
            for record in found:
                links[record.offset] = None if moved else self._last.get(tp)
                if not moved:
                    self._last[tp] = record.offset
            if found and found[0].offset < (self._read_offset[tp] or 0):
                # Faust drops records before its read offset, which a message in flight may have moved after a seek.
                self._read_offset[tp] = found[0].offset
        return fetched, active

    def _unclear(self, active: Collection[TP], fetched: Collection[TP]) -> dict[TP, PartitionState]:
        """The partitions that do not stand, untouched, behind the last record; called for every fetch."""
        states, last = self._thread.partitions(), self._last
        return {
            tp: state
            for tp in active
            if (state := states.get(tp)) is not None
            and (state.place != last.get(tp, START) + 1 or state.was_reset or tp in fetched)
        }

    async def _check_resets(self, states: Mapping[TP, PartitionState], fetched: Mapping[TP, Sequence[Any]]) -> None:
        """Check partitions of which the broker did not have the next offset: the topic was created again, or cut."""
        for tp, state in states.items():
            found = fetched.get(tp)
            went_back = found and tp not in self._seeking and found[0].offset <= self._last.get(tp, START)
            if (state.was_reset or went_back) and state.place is not None:
                state.was_reset = False
                log.warning("log_was_cut", topic=tp.topic, partition=tp.partition, reads_on_from=state.place)
                await self.app.check_log(tp.topic, [tp.partition])  # type: ignore[attr-defined]  # streams.kafka.faust_app.App

    def _passed(self, tp: TP, state: PartitionState, found: Sequence[Any]) -> Passed | None:
        """What follows the records found where the consumer has passed offsets without an event after them."""
        last = found[-1].offset if found else self._last.get(tp, self.committed(tp))
        if state.place is None or state.place - 1 <= last or tp in self._seeking or tp in self._sought:
            return None
        return Passed(tp.topic, tp.partition, state.place - 1, time.time_ns() // 1_000_000)

    def _forget(self) -> None:
        self._last.clear()
        self._sought.clear()

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        message = LinkedMessage(
            record.topic,
            record.partition,
            record.offset,
            record.timestamp / 1000.0,
            record.timestamp_type,
            record.headers,
            record.key,
            record.value,
            record.checksum,
            record.serialized_key_size,
            record.serialized_value_size,
            tp,
            generation_id=self.app.consumer_generation_id,
        )
        message.holds_event = not isinstance(record, Passed)
        if tp not in self._seeking and tp not in self._sought:
            message.after = self._links.get(tp, {}).get(record.offset)
        return message


class Transport(driver.Transport):
    """The transport of `faust.App(broker="sightline://host:port")`, registered by that scheme."""

    Consumer = Consumer
