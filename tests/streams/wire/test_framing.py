import base64
import json
import zlib

import pytest

from sightline_client.parsing import EVENT_LIMIT
from streams.errors import InvalidEvent
from streams.wire.framing import unframed
from streams.wire.parsing import parse_interaction
from streams.wire.records import Record

CLICK = {"event_id": "c-1", "type": "click", "user_id": "u1", "item_id": "i9", "occurred_at_ms": 1_790_000_000_000}
PLAIN = json.dumps(CLICK).encode()
CONFLUENT = b"\0\0\0\0\7"
GLUE = b"\3\0" + bytes(range(16))
GLUE_ZLIB = b"\3\5" + bytes(range(16))


def refusal(value: bytes) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        parse_interaction(Record("events.interactions", 0, 7, 1_790_000_000_000, b"u1", value))
    return caught.value


@pytest.mark.parametrize(
    "value",
    [
        PLAIN,
        b"\xef\xbb\xbf" + PLAIN,
        CONFLUENT + PLAIN,
        CONFLUENT + b"\xef\xbb\xbf\n " + PLAIN,
        GLUE + PLAIN,
        GLUE_ZLIB + zlib.compress(PLAIN),
        CONFLUENT + PLAIN.replace(b"1790000000000", b"1.79E12"),
    ],
    ids=["plain", "byte order mark", "Confluent", "Confluent, mark", "Glue", "Glue, zlib", "Confluent, float"],
)
def test_an_event_is_read_behind_what_serializers_put_before_it(value: bytes) -> None:
    event = parse_interaction(Record("events.interactions", 0, 7, 1_790_000_000_000, b"u1", value))
    assert (event.item_id, event.occurred_at_ms) == ("i9", 1_790_000_000_000)


def test_the_type_that_a_client_gives_to_framed_bytes_does_not_matter() -> None:
    headers = (("content-type", b"application/octet-stream"),)
    record = Record("events.interactions", 0, 7, 1_790_000_000_000, b"u1", CONFLUENT + PLAIN, headers)
    assert parse_interaction(record).event_id == "c-1"


def test_the_case_of_the_field_is_applied() -> None:
    value = base64.b64decode(
        "AAAAAAd7ImV2ZW50X2lkIjoidy0xIiwidHlwZSI6ImNsaWNrIiwidXNlcl9pZCI6InU0IiwiaXRlbV9pZCI6Imk5Iiwib2NjdXJyZWRfYXRf"
        "bXMiOjE3OTAwMDAwMDAwMDB9"
    )
    assert parse_interaction(Record("events.interactions", 0, 7, 1_790_000_000_000, b"u4", value)).event_id == "w-1"


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (CONFLUENT + b"\x02u1\x02i9", "Confluent's prefix with the schema 7, not followed by JSON"),
        (GLUE + b"\x02u1", "AWS Glue's prefix with the schema version 000102030405060708090a0b0c0d0e0f, not"),
        (GLUE_ZLIB + zlib.compress(b"\x02u1"), "not followed by JSON"),
        (GLUE_ZLIB + PLAIN, "not followed by zlib data"),
        (GLUE_ZLIB + zlib.compress(PLAIN)[:-9], "zlib data without an end"),
    ],
)
def test_a_prefix_without_json_behind_it_is_named(value: bytes, named: str) -> None:
    error = refusal(value)
    assert error.reason == "schema_registry_framing"
    assert named in str(error)


def test_an_event_behind_a_prefix_is_judged_as_any_other() -> None:
    assert refusal(CONFLUENT + b'{"type":"teleport"}').reason == "unknown_type"
    assert refusal(CONFLUENT + b"{click}").reason == "bad_json"


@pytest.mark.parametrize("value", [b"", b"\0", b"\3", b"\0\0\0\0\7", GLUE, b"\3\7" + bytes(99), b"\1" + PLAIN])
def test_what_is_no_prefix_is_no_json(value: bytes) -> None:
    assert refusal(value).reason == "bad_json"


def test_a_few_kilobytes_that_stand_for_a_gigabyte_are_not_unpacked() -> None:
    packer = zlib.compressobj(9)
    bomb = packer.compress(b" " * (40 << 20)) + packer.flush()
    error = refusal(GLUE_ZLIB + bomb)
    assert (error.reason, len(bomb) < EVENT_LIMIT) == ("too_large", True)


def test_an_event_may_be_as_large_once_unpacked_as_any_other() -> None:
    assert len(unframed(GLUE_ZLIB + zlib.compress(PLAIN.ljust(EVENT_LIMIT)), EVENT_LIMIT)) == EVENT_LIMIT
    with pytest.raises(InvalidEvent, match="once it is unpacked"):
        unframed(GLUE_ZLIB + zlib.compress(PLAIN.ljust(EVENT_LIMIT + 1)), EVENT_LIMIT)
