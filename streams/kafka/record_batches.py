"""Unpacks fetched batches safely: no published record can crash the worker or fill its memory.

It uses aiokafka's parser, which is in C, and differs from aiokafka in three points. aiokafka's fetcher passes over
control batches and aborted ones before it iterates them.

- A header name that is not UTF-8 makes aiokafka raise, again after each restart. Here the name gets escapes (`\\xff`).
- A compressed batch may unpack to a thousand times its size, and Kafka limits only the packed size. Here a batch that
  needs more than MEMORY_LIMIT becomes one record at its last offset, without key and value, and with the header
  NOT_UNPACKED that gives the reason.
- The records of one fetch are handed on until they need about MEMORY_LIMIT; the rest is fetched again later.
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
#: Memory of a waiting record beside its content, in bytes.
RECORD_BYTES = 512

_LENGTH = struct.Struct(">i")
_LENGTH_AT, _AFTER_LENGTH, _MAGIC_AT, _COUNT_AT, _RECORDS_AT = 8, 12, 16, 57, 61
_SNAPPY = _DefaultRecordBatchPy.CODEC_SNAPPY
#: These fill a given buffer, or raise. Snappy needs no such limit: it unpacks to at most 22 times its size.
_UNPACK_INTO = MappingProxyType(
    {
        _DefaultRecordBatchPy.CODEC_GZIP: cramjam.gzip.decompress_into,
        _DefaultRecordBatchPy.CODEC_LZ4: cramjam.lz4.decompress_into,
        _DefaultRecordBatchPy.CODEC_ZSTD: cramjam.zstd.decompress_into,
    }
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """Replaces all records of a batch that is not unpacked; it has the attributes of aiokafka's records."""

    offset: int
    timestamp: int
    timestamp_type: int
    headers: list[tuple[str, bytes]]
    key: None = None
    value: None = None
    checksum: None = None


class Records:
    """The fetched bytes of one partition; replaces aiokafka's MemoryRecords and has its methods."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._records = MemoryRecords(data)
        self._at = 0
        self._room = MEMORY_LIMIT

    def size_in_bytes(self) -> int:
        """The number of fetched bytes."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether another complete batch follows and the memory limit is not reached."""
        return self._room > 0 and self._records.has_next()

    def next_batch(self) -> Any:
        """The next batch, in the form that aiokafka's fetcher expects."""
        start = self._at
        self._at += _AFTER_LENGTH + _LENGTH.unpack_from(self._data, start + _LENGTH_AT)[0]
        batch, data = self._records.next_batch(), self._data[start : self._at]
        if data[_MAGIC_AT] < 2:
            # A format from before Kafka 0.11: it has no headers, and Kafka 4 refuses it.
            return batch
        found = Batch(batch, data)
        self._room -= found.memory
        return found


class Batch:
    """Wraps a batch of aiokafka and iterates it as the module says; `memory` estimates its records' size in bytes."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data
        self._count: int = _LENGTH.unpack_from(data, _COUNT_AT)[0]
        unpacked = _unpacked_size(batch.compression_type, data[_RECORDS_AT:])
        self.memory = unpacked + RECORD_BYTES * self._count
        self._is_refused = batch.compression_type and self.memory > MEMORY_LIMIT

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """The next record: the fetcher reads the marker of a control batch with it."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        if self._is_refused:
            yield self._stand_in()
            return
        try:
            yield from self._batch
        except UnicodeDecodeError:
            # Iterate from the start: the fetcher skips the offsets that it already has.
            yield from _with_escapes(self._data)

    def _stand_in(self) -> StandIn:
        batch, last = self._batch, self._batch.next_offset - 1
        why = (
            f"offsets {batch.base_offset} to {last} are one compressed batch of {len(self._data)} bytes "
            f"and {self._count} records, which needs over {MEMORY_LIMIT >> 20} MiB of memory"
        )
        return StandIn(last, batch.max_timestamp, batch.timestamp_type, [(NOT_UNPACKED, why.encode())])


def _unpacked_size(codec: int, data: memoryview) -> int:
    """The unpacked size of a batch in bytes, or MEMORY_LIMIT + 1 where it exceeds the limit."""
    if not codec:
        return len(data)
    if codec == _SNAPPY:
        return len(snappy_decode(data.tobytes()))
    # Pages take memory only once they are written to.
    room = bytearray(MEMORY_LIMIT)
    try:
        return _UNPACK_INTO[codec](data, room)
    except cramjam.DecompressionError:
        # The buffer is too small. The data are not broken: the broker parsed the batch, and the fetcher compares its
        # checksum.
        return MEMORY_LIMIT + 1


class _Escaping(bytearray):
    """Bytes whose slices always decode: bytes that are not UTF-8 become escapes."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Escaping(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "backslashreplace") -> str:
        return super().decode(encoding, errors)


def _with_escapes(data: memoryview) -> Iterator[Any]:
    """The records of a batch by aiokafka's slow parser in Python, which calls `decode` of the bytes."""
    batch = _DefaultRecordBatchPy(data)
    batch._maybe_uncompress()
    batch._buffer = _Escaping(batch._buffer)
    return iter(batch)
