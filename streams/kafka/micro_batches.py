"""Adaptive micro-batches: what has arrived by now, never a wait to fill up (architecture, decision 4)."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from faust.types import EventT

from streams.wire.records import Record


async def waiting(stream: Any, limit: int) -> AsyncIterator[list[EventT[bytes]]]:
    """Yield the events that wait in the stream, one when idle and up to `limit` under load.

    Nothing is acknowledged here: call `acknowledge` when the batch has taken effect.
    """
    async for event in stream.noack().events():
        batch = [event]
        queue = stream.channel.queue
        while len(batch) < limit and not queue.empty():
            batch.append(queue.get_nowait())
        yield batch


def acknowledge(batch: Sequence[EventT[bytes]]) -> None:
    """Let Kafka's committed offset move on; it serves lag dashboards, and resuming where no position is kept."""
    for event in batch:
        event.ack()


def to_records(batch: Sequence[EventT[bytes]]) -> list[Record]:
    """The batch's messages as records."""
    return [_record(event) for event in batch]


def _record(event: EventT[bytes]) -> Record:
    message: Any = event.message
    return Record(
        message.topic,
        message.partition,
        message.offset,
        round(message.timestamp * 1000),
        message.key,
        message.value,
        # A header may be null in Kafka: it says as much as an empty one.
        tuple((name, value or b"") for name, value in message.headers or ()),
        getattr(message, "after", None),
    )
