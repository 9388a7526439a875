import json
import zlib
from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.processing.unknown_fields import note_unknown_fields, unknown_fields
from streams.wire.events import Event, Interaction, ItemChange, PrivacyRequest, Upload, encode
from streams.wire.examples import MESSAGES
from streams.wire.framing import BYTE_ORDER_MARK
from streams.wire.parsing import parse_item_change
from streams.wire.records import Record

NOON = 1_767_268_800_000
CHANGE = {"event_id": "s-1", "item_id": "i1", "occurred_at_ms": NOON, "price": 5.0}


def record(value: bytes | None, *headers: tuple[str, bytes]) -> Record:
    return Record("events.items", 0, 0, NOON, b"i1", value, headers)


EXAMPLES = [
    (kind, event)
    for message in MESSAGES
    for event in message.examples
    for kind in (Interaction, ItemChange, PrivacyRequest, Upload)
    if type(event) is kind
]


@pytest.mark.parametrize(("kind", "event"), EXAMPLES)
def test_a_documented_event_has_no_unknown_field(kind: type[Event], event: Event) -> None:
    assert unknown_fields(record(encode(event)), kind) == []


def test_unknown_fields_are_named_in_order() -> None:
    assert unknown_fields(record(encode(CHANGE | {"prise": 4, "Title": None})), ItemChange) == ["Title", "prise"]


def enveloped(**data: object) -> bytes:
    return encode({"specversion": "1.0", "id": "1", "source": "/shop", "type": "x", "tenant": "t"} | data)


MISSPELT = encode(CHANGE | {"prise": 4})
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda event: event,
    "byte order mark": lambda event: BYTE_ORDER_MARK + event,
    "Confluent": lambda event: b"\0\0\0\0\7" + event,
    "Glue": lambda event: b"\3\0" + bytes(16) + event,
    "packed by Glue": lambda event: b"\3\5" + bytes(16) + zlib.compress(event),
    "data": lambda event: enveloped(data=json.loads(event)),
    "data as text": lambda event: enveloped(data=event.decode()),
    "data in base64": lambda event: enveloped(data_base64=b64encode(event).decode()),
    "data in base64, and null": lambda event: enveloped(data=None, data_base64=b64encode(event).decode()),
    "Confluent's data": lambda event: b"\0\0\0\0\7" + enveloped(data=json.loads(event)),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_event_is_looked_at_that_the_parser_reads(form: str) -> None:
    for event, names in ((encode(CHANGE), []), (MISSPELT, ["prise"])):
        sent = record(FORMS[form](event))
        assert parse_item_change(sent).price == 5.0
        assert unknown_fields(sent, ItemChange) == names


@pytest.mark.parametrize(
    "headers",
    [
        (("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/shop")),
        (("content-type", b"application/json"),),
        (("content-type", b"avro/binary"),),
    ],
    ids=["binary CloudEvent", "JSON", "another type"],
)
def test_headers_do_not_hide_an_unknown_field(headers: tuple[tuple[str, bytes], ...]) -> None:
    assert parse_item_change(record(MISSPELT, *headers)).price == 5.0
    assert unknown_fields(record(MISSPELT, *headers), ItemChange) == ["prise"]


def test_an_event_without_an_envelope_may_have_a_field_of_its_name() -> None:
    sent = record(encode(CHANGE | {"specversion": "1.0"}))
    assert parse_item_change(sent).price == 5.0
    assert unknown_fields(sent, ItemChange) == ["specversion"]


@pytest.mark.parametrize("data", [{}, {"data": 1}, {"data_base64": "?"}, {"data": "{"}], ids=repr)
def test_an_envelope_without_an_event_has_no_unknown_field(data: dict[str, object]) -> None:
    assert unknown_fields(record(enveloped(**data)), ItemChange) == []


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"\xff", b"\0\0\0\0\7{}", b'{"x":' + b"[" * 9999], ids=repr)
def test_what_is_no_object_has_no_unknown_field(value: bytes | None) -> None:
    assert unknown_fields(record(value), ItemChange) == []


@given(st.binary(max_size=60))
def test_any_bytes_may_be_asked(value: bytes) -> None:
    unknown_fields(record(value), Interaction)


def test_a_log_line_names_few_fields_and_little_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{number:03}" + "x" * 500 for number in range(300)]
    event = encode(CHANGE | dict.fromkeys(names, 1))
    assert len(note_unknown_fields(record(event), ItemChange)) == 300
    assert len(capsys.readouterr().out) < 2000
