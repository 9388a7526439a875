"""Adaptive micro-batches: a batch is what has arrived by now, and several batches may overlap."""

import asyncio
from asyncio import Event, Task, TaskGroup
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from faust.types import EventT

from streams.wire.broker_time import record_time
from streams.wire.records import Record

#: Kafka's number for a time that the broker gave.
LOG_APPEND_TIME: Final = 1

E = TypeVar("E")
T = TypeVar("T")


async def waiting(stream: Any, limit: int) -> AsyncIterator[list[EventT[bytes]]]:
    """Yield the events that wait in the stream: one when idle, up to `limit` under load; never wait to fill a batch.

    The caller must call `acknowledge` when the batch has taken effect.
    """
    async for event in stream.noack().events():
        batch = [event]
        queue = stream.channel.queue
        while len(batch) < limit and not queue.empty():
            batch.append(queue.get_nowait())
        yield batch


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    """How far a batch has come; the next batch waits for it."""

    settled: Event = field(default_factory=Event)
    finished: Event = field(default_factory=Event)


async def overlap(
    batches: AsyncIterator[Sequence[E]],
    work: Callable[[Sequence[E]], Awaitable[T]],
    settle: Callable[[T], Awaitable[None]],
    finish: Callable[[Sequence[E], T], Awaitable[None]],
    *,
    at_once: int,
) -> None:
    """Run `work` on batches as they come, with at most `at_once` elements under way, and `settle` in input order.

    `finish` follows in input order, too, but no `settle` waits for it. An exception of any of them ends all tasks and
    is raised in an ExceptionGroup; no later batch is settled or finished. Cancellation leaves no task running. This
    suits work that waits for other machines.
    """

    async def handle(batch: Sequence[E], before: _Turn | None, mine: _Turn) -> None:
        result = await work(batch)
        if before is not None:
            await before.settled.wait()
        await settle(result)
        mine.settled.set()
        if before is not None:
            await before.finished.wait()
        await finish(batch, result)
        mine.finished.set()

    running: deque[tuple[int, Task[None]]] = deque()
    last: _Turn | None = None
    async with TaskGroup() as group:
        async for batch in batches:
            while running and (running[0][1].done() or len(batch) + sum(size for size, _ in running) > at_once):
                await asyncio.wait((running.popleft()[1],))
            before, last = last, _Turn()
            running.append((len(batch), group.create_task(handle(batch, before, last))))


def acknowledge(batch: Sequence[EventT[bytes]]) -> None:
    """Let Kafka's committed offset advance: lag dashboards and agents without a stored position use it."""
    for event in batch:
        event.ack()


def to_records(batch: Sequence[EventT[bytes]]) -> list[Record]:
    """Convert Faust events to records."""
    return [_record(event) for event in batch]


def _record(event: EventT[bytes]) -> Record:
    message: Any = event.message
    by_broker = message.timestamp_type == LOG_APPEND_TIME
    return Record(
        message.topic,
        message.partition,
        message.offset,
        record_time(message.topic, round(message.timestamp * 1000), by_broker=by_broker),
        message.key,
        message.value,
        # A header may be null in Kafka; it means the same as an empty one.
        tuple((name, value or b"") for name, value in message.headers or ()),
        getattr(message, "after", None),
        getattr(message, "holds_event", True),
    )
