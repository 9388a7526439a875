"""Reads state.models: the last version of the ranker that learns."""

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from inference.errors import ModelRefused
from streams.kafka.log_reader import LogReader
from streams.learning.model_record import ModelRecord, decode_record
from streams.logs import log
from streams.wire.records import Record

T = TypeVar("T")

#: A learner says its version every few seconds: a lower one counts where the higher was not said for so long.
SILENT_MS: Final = 60_000
#: Offsets that are read at most: the last record counts, the others help where that one cannot be read.
_LATEST: Final = 256


class ModelLog:
    """state.models by a reader that blocks, so it is called in a thread, one call at a time; `close` it."""

    def __init__(self, reader: LogReader, topic: str, *, close: Callable[[], None] = lambda: None) -> None:
        self.topic = topic
        self._reader = reader
        self._close = close
        self._reading: asyncio.Future[Any] | None = None

    async def since(self, first: int) -> tuple[list[Record], int]:
        """The last records from an offset on, and where the next ones will be; raises BrokerUnavailable, AccessRefused.

        Where the topic ends before that offset, it was created again, and all of it is new.
        """
        return await self._call(lambda: read_since(self._reader, self.topic, first))

    async def last(self) -> ModelRecord | None:
        """See `last_version`."""
        return await self._call(lambda: last_version(self._reader, self.topic))

    async def close(self) -> None:
        """Wait for a call in progress, then close the reader: it must not be closed below a thread that reads."""
        if self._reading is not None:
            await asyncio.wait({self._reading})
        self._close()

    async def _call(self, read: Callable[[], T]) -> T:
        reading = asyncio.ensure_future(asyncio.to_thread(read))
        self._reading = reading
        return await asyncio.shield(reading)


def read_since(reader: LogReader, topic: str, first: int) -> tuple[list[Record], int]:
    """See `ModelLog.since`."""
    extent = reader.extent(topic, 0)
    start = max(extent.first, extent.end - _LATEST, first if first <= extent.end else 0)
    return list(reader.read(topic, 0, start, extent.end)), extent.end


def newest(known: ModelRecord | None, record: Record) -> ModelRecord | None:
    """What counts once a record was read, where `known` did before it; raises ModelRefused.

    That is the highest version since the last tombstone, the latest record of it: a learner that was suspended may say
    an old version last. Where nobody has said the higher one for SILENT_MS, its learner is gone: the topic was created
    again, and versions began again.
    """
    if record.value is None:
        return None
    found = decode_record(record.value)
    is_old = known is not None and found.version < known.version and found.made_ms < known.made_ms + SILENT_MS
    return known if is_old else found


def last_version(reader: LogReader, topic: str) -> ModelRecord | None:
    """The record that counts by `newest`; what cannot be read is left out, and logged. Raises BrokerUnavailable."""
    last: ModelRecord | None = None
    for record in read_since(reader, topic, 0)[0]:
        try:
            last = newest(last, record)
        except ModelRefused as error:
            log.error("model_record_unreadable", offset=record.offset, error=str(error))
    return last
