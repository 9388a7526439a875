"""What was fetched, unpacked: any header, any codec, and no more memory than was meant to be used."""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from streams.kafka.record_batches import MEMORY_LIMIT, RECORD_BYTES, Records
from streams.wire.parsing import NOT_UNPACKED
from tests.harness.fakes import HeaderName

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
NOW_MS = 1_767_268_800_000


Entry = tuple[bytes | None, list[tuple[str, bytes | None]]]


def batch(entries: Sequence[Entry], *, first: int = 0, codec: int = 0) -> bytes:
    """A batch as Kafka keeps it: each entry's value and headers, from offset `first` on."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, False, -1, -1, -1, 1 << 30)
    for n, (value, headers) in enumerate(entries):
        assert builder.append(n, NOW_MS, b"k", value, headers)
    return first.to_bytes(8, "big") + bytes(builder.build())[8:]


def values(*values: bytes, first: int = 0, codec: int = 0) -> bytes:
    return batch([(value, []) for value in values], first=first, codec=codec)


def fetched(*batches: bytes, at: int = 0) -> list[Any]:
    """What aiokafka's fetcher makes of a partition with these batches from offset `at` on, fetch after fetch."""
    found: list[Any] = []
    while left := [each for each in batches if _DefaultRecordBatchPy(each).next_offset > at]:
        answer = fetcher.PartitionRecords(
            TopicPartition("t", 0), Records(b"".join(left)), [], at, None, None, True, fetcher.READ_UNCOMMITTED
        )
        found += answer
        at = answer.next_fetch_offset
    return found


def test_a_name_that_is_not_utf_8_has_escapes_and_its_neighbours_are_as_ever() -> None:
    data = batch(
        [(b"a", []), (b"b", [("h", b"1"), (HeaderName(b"x\xff\xc3("), b"\xff"), ("\u00e9", None)]), (b"c", [])]
    )
    found = fetched(data, values(b"d", first=3))
    assert [(each.offset, each.key, each.value) for each in found] == [
        (0, b"k", b"a"),
        (1, b"k", b"b"),
        (2, b"k", b"c"),
        (3, b"k", b"d"),
    ]
    assert found[1].headers == (("h", b"1"), (r"x\xff\xc3(", b"\xff"), ("\u00e9", None))
    assert found[1].timestamp == NOW_MS


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_a_compressed_batch_may_have_such_a_name_too(codec: int) -> None:
    data = batch([(b"a" * 999, []), (b"b", [(HeaderName(b"\xff"), b"")])], codec=codec)
    assert _DefaultRecordBatchPy(data).compression_type == codec
    assert [(each.value, each.headers) for each in fetched(data)] == [(b"a" * 999, ()), (b"b", ((r"\xff", b""),))]


def test_what_was_had_before_is_not_given_again() -> None:
    data = batch([(b"a", []), (b"b", [(HeaderName(b"\xff"), b"")]), (b"c", [])], first=7)
    assert [each.offset for each in fetched(data, at=8)] == [8, 9]


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD])
def test_a_batch_that_would_fill_the_memory_is_one_record_at_its_last_offset_that_says_so(codec: int) -> None:
    bomb = values(b"x", b"0" * MEMORY_LIMIT, b"y", first=1, codec=codec)
    found = fetched(values(b"a"), bomb, values(b"b", first=4))
    assert [(each.offset, each.value) for each in found] == [(0, b"a"), (3, None), (4, b"b")]
    ((name, why),) = found[1].headers
    assert name == NOT_UNPACKED
    assert why.decode() == (
        f"offsets 1 to 3 are one compressed batch of {len(bomb)} bytes and 3 records, which needs over 32 MiB of memory"
    )


def test_snappy_cannot_unpack_to_much_more_than_its_size() -> None:
    assert len(snappy_encode(bytes(1 << 20))) * 22 > 1 << 20


def test_a_batch_of_more_records_than_memory_holds_is_one_record() -> None:
    count = MEMORY_LIMIT // RECORD_BYTES + 1
    (found,) = fetched(values(*[b""] * count, codec=GZIP))
    assert (found.offset, found.value) == (count - 1, None)


@pytest.mark.parametrize("codec", [0, GZIP, SNAPPY, LZ4, ZSTD])
def test_a_large_batch_that_is_none_too_large_is_unpacked(codec: int) -> None:
    large = os.urandom(1 << 16) * 100
    assert [each.value for each in fetched(values(large, b"end", codec=codec))] == [large, b"end"]


def test_no_more_is_unpacked_at_once_than_memory_is_meant_to_hold() -> None:
    third = b"0" * (MEMORY_LIMIT // 3)
    batches = [values(third, first=n, codec=ZSTD) for n in range(9)]
    at_once = Records(b"".join(batches))
    taken = 0
    while at_once.has_next():
        at_once.next_batch()
        taken += 1
    assert taken == 3
    assert [each.offset for each in fetched(*batches)] == list(range(9))


def test_a_damaged_batch_is_still_found_to_be_damaged() -> None:
    damaged = bytearray(values(b"a" * 999, codec=GZIP))
    damaged[-20] ^= 1
    with pytest.raises(CorruptRecordException):
        fetched(bytes(damaged))


def test_a_batch_that_was_cut_off_is_left_for_the_next_fetch() -> None:
    records = Records(values(b"a") + values(b"b", first=1)[:-1])
    assert [each.value for each in records.next_batch()] == [b"a"]
    assert not records.has_next()
    nothing_whole = Records(values(b"a")[:30])
    assert (nothing_whole.has_next(), nothing_whole.size_in_bytes()) == (False, 30)


@pytest.mark.parametrize("encode", [gzip_encode, snappy_encode, lz4_encode, zstd_encode])
def test_every_codec_of_kafka_is_installed(encode: Any) -> None:
    assert encode(b"x")


# Transactions

COMMIT, ABORT = b"\0\0\0\1", b"\0\0\0\0"
FIRST, SECOND = 71, 72


def sent(producer: int, *values: bytes, first: int, codec: int = 0) -> bytes:
    """A batch of a transaction, as Kafka keeps it."""
    builder = _DefaultRecordBatchBuilderPy(2, codec, True, producer, 0, 0, 1 << 30)
    for n, value in enumerate(values):
        assert builder.append(n, NOW_MS, b"k", value, [])
    return first.to_bytes(8, "big") + bytes(builder.build())[8:]


def marker(producer: int, kind: bytes, *, at: int) -> bytes:
    """The end of a transaction: a control batch, which has its own bit and a checksum over it."""
    builder = _DefaultRecordBatchBuilderPy(2, 0, True, producer, 0, -1, 1 << 30)
    assert builder.append(0, NOW_MS, kind, b"\0" * 6, [])
    data = bytearray(builder.build())
    data[22] |= _DefaultRecordBatchPy.CONTROL_MASK
    data[17:21] = calc_crc32c(bytes(data[21:])).to_bytes(4, "big")
    return at.to_bytes(8, "big") + bytes(data)[8:]


def committed(*batches: bytes, aborted: list[tuple[int, int]], at: int = 0) -> tuple[list[bytes], int]:
    """The values that are read of a fetch whose answer names these aborted transactions, and where the next begins."""
    answer = fetcher.PartitionRecords(
        TopicPartition("t", 0), Records(b"".join(batches)), aborted, at, None, None, True, fetcher.READ_COMMITTED
    )
    return [each.value for each in answer], answer.next_fetch_offset


@pytest.mark.parametrize("codec", [0, GZIP, SNAPPY, LZ4, ZSTD])
def test_aborted_records_are_passed_over_and_committed_ones_between_them_are_not(codec: int) -> None:
    batches = (
        sent(FIRST, b"a" * 99, b"b" * 99, first=0, codec=codec),
        sent(SECOND, b"c" * 99, first=2, codec=codec),
        sent(FIRST, b"d" * 99, first=3, codec=codec),
        marker(FIRST, ABORT, at=4),
        values(b"e" * 99, first=5, codec=codec),
        marker(SECOND, COMMIT, at=6),
        sent(FIRST, b"f" * 99, first=7, codec=codec),
        marker(FIRST, COMMIT, at=8),
    )
    assert committed(*batches, aborted=[(FIRST, 0)]) == ([b"c" * 99, b"e" * 99, b"f" * 99], 9)
    assert committed(*batches, aborted=[]) == ([each * 99 for each in (b"a", b"b", b"c", b"d", b"e", b"f")], 9)


def test_a_fetch_that_begins_within_an_aborted_transaction_passes_over_the_rest_of_it() -> None:
    batches = (sent(FIRST, b"b", first=3), marker(FIRST, ABORT, at=4), sent(FIRST, b"c", first=5))
    assert committed(*batches, aborted=[(FIRST, 0)], at=3) == ([b"c"], 6)


def test_nothing_but_markers_moves_the_place() -> None:
    assert committed(marker(FIRST, COMMIT, at=3), marker(SECOND, ABORT, at=4), aborted=[], at=3) == ([], 5)


def test_a_batch_whose_last_records_compaction_took_moves_the_place_behind_them() -> None:
    compacted = bytearray(values(b"a", b"b", first=3))
    compacted[23:27] = (9).to_bytes(4, "big")  # the last offset, counted from the first
    compacted[17:21] = calc_crc32c(bytes(compacted[21:])).to_bytes(4, "big")
    assert committed(bytes(compacted), aborted=[], at=3) == ([b"a", b"b"], 13)


@pytest.mark.parametrize("codec", [GZIP, LZ4, ZSTD])
def test_an_aborted_batch_that_would_fill_the_memory_leaves_nothing(codec: int) -> None:
    bomb = sent(FIRST, b"0" * MEMORY_LIMIT, b"1", first=0, codec=codec)
    batches = (bomb, marker(FIRST, ABORT, at=2), values(b"a", first=3))
    found, place = committed(*batches, aborted=[(FIRST, 0)])
    again, end = committed(*batches[2:], aborted=[], at=place)
    assert (found + again, end) == ([b"a"], 4)


# What aiokafka does: when one of these fails, see whether streams/kafka/record_batches.py can go


def test_aiokafka_still_raises_at_a_name_that_is_not_utf_8() -> None:
    poison = MemoryRecords(batch([(b"b", [(HeaderName(b"\xff"), b"")])])).next_batch()
    assert isinstance(poison, DefaultRecordBatch)
    with pytest.raises(UnicodeDecodeError):
        list(poison)


def test_aiokafka_still_unpacks_whatever_a_batch_holds() -> None:
    bomb = MemoryRecords(values(b"0" * (MEMORY_LIMIT + 1), codec=ZSTD)).next_batch()
    assert bomb is not None
    (record,) = bomb
    assert len(record.value or b"") > MEMORY_LIMIT
