"""Fetched batches, unpacked so that nothing a publisher can write ends the worker or fills its memory.

aiokafka's own way, which is in C, but for three things:

- A header whose name is not UTF-8 makes aiokafka raise, at every restart again. Here the name has escapes (`\\xff`).
- A compressed batch may unpack to a thousand times its size, and Kafka limits only the latter. Here one that needs over
  MEMORY_LIMIT becomes one record at its last offset, without key and value, whose header NOT_UNPACKED says why.
- What was fetched of a partition is handed on until it needs about MEMORY_LIMIT; the rest is fetched again later.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import cramjam
from aiokafka.codec import snappy_decode
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from streams.wire.parsing import NOT_UNPACKED

MEMORY_LIMIT = 32 << 20
#: What a record takes beside its content, as it waits for its agent.
RECORD_BYTES = 512

_LENGTH = struct.Struct(">i")
_LENGTH_AT, _AFTER_LENGTH, _MAGIC_AT, _COUNT_AT, _RECORDS_AT = 8, 12, 16, 57, 61
_SNAPPY = _DefaultRecordBatchPy.CODEC_SNAPPY
#: These fill the room that they are given, or raise. Snappy is not among them: it unpacks to 22 times its size at most.
_UNPACK_INTO = MappingProxyType(
    {
        _DefaultRecordBatchPy.CODEC_GZIP: cramjam.gzip.decompress_into,
        _DefaultRecordBatchPy.CODEC_LZ4: cramjam.lz4.decompress_into,
        _DefaultRecordBatchPy.CODEC_ZSTD: cramjam.zstd.decompress_into,
    }
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """The record that stands for a batch which is not unpacked; it has what aiokafka's records have."""

    offset: int
    timestamp: int
    timestamp_type: int
    headers: list[tuple[str, bytes]]
    key: None = None
    value: None = None
    checksum: None = None


class Records:
    """What was fetched of one partition, in place of aiokafka's MemoryRecords, whose methods it has."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._records = MemoryRecords(data)
        self._at = 0
        self._room = MEMORY_LIMIT

    def size_in_bytes(self) -> int:
        """Of what was fetched."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether another batch is whole, and there is room for it."""
        return self._room > 0 and self._records.has_next()

    def next_batch(self) -> Any:
        """The next batch, as aiokafka's fetcher takes it."""
        start = self._at
        self._at += _AFTER_LENGTH + _LENGTH.unpack_from(self._data, start + _LENGTH_AT)[0]
        batch, data = self._records.next_batch(), self._data[start : self._at]
        if data[_MAGIC_AT] < 2:
            # From before Kafka 0.11: no headers, and Kafka 4 takes none of it.
            return batch
        found = Batch(batch, data)
        self._room -= found.memory
        return found


class Batch:
    """A batch of aiokafka's, iterated as the module says; `memory` is about how much its records need, in bytes."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data
        self._count: int = _LENGTH.unpack_from(data, _COUNT_AT)[0]
        unpacked = _unpacked_size(batch.compression_type, data[_RECORDS_AT:])
        self.memory = unpacked + RECORD_BYTES * self._count
        self._is_refused = batch.compression_type and self.memory > MEMORY_LIMIT

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        if self._is_refused:
            yield self._stand_in()
            return
        try:
            yield from self._batch
        except UnicodeDecodeError:
            # All of it again: the fetcher passes over the offsets that it has had.
            yield from _with_escapes(self._data)

    def _stand_in(self) -> StandIn:
        batch, last = self._batch, self._batch.next_offset - 1
        why = (
            f"offsets {batch.base_offset} to {last} are one compressed batch of {len(self._data)} bytes "
            f"and {self._count} records, which needs over {MEMORY_LIMIT >> 20} MiB of memory"
        )
        return StandIn(last, batch.max_timestamp, batch.timestamp_type, [(NOT_UNPACKED, why.encode())])


def _unpacked_size(codec: int, data: memoryview) -> int:
    """Bytes of a batch's records; MEMORY_LIMIT + 1 where they are more."""
    if not codec:
        return len(data)
    if codec == _SNAPPY:
        return len(snappy_decode(data.tobytes()))
    # Pages that are not written to take no memory.
    room = bytearray(MEMORY_LIMIT)
    try:
        return _UNPACK_INTO[codec](data, room)
    except cramjam.DecompressionError:
        # Too small a room: Kafka has read the batch, and its checksum is compared before its records are read.
        return MEMORY_LIMIT + 1


class _Escaping(bytearray):
    """Bytes whose parts can all be decoded: what is not UTF-8 becomes escapes."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Escaping(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


def _with_escapes(data: memoryview) -> Iterator[Any]:
    """A batch's records by aiokafka's slower parser, which is in Python and asks the bytes to decode themselves."""
    batch = _DefaultRecordBatchPy(data)
    batch._maybe_uncompress()
    batch._buffer = _Escaping(batch._buffer)
    return iter(batch)
