import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.processing.unknown_fields import note_unknown_fields, unknown_fields
from streams.wire.events import Event, Interaction, ItemChange, PrivacyRequest, Upload, encode
from streams.wire.examples import MESSAGES
from streams.wire.records import Record

NOON = 1_767_268_800_000
CHANGE = {"event_id": "s-1", "item_id": "i1", "occurred_at_ms": NOON, "price": 5.0}
EXAMPLES = [
    (kind, event)
    for message in MESSAGES
    for event in message.examples
    for kind in (Interaction, ItemChange, PrivacyRequest, Upload)
    if type(event) is kind
]


@pytest.mark.parametrize(("kind", "event"), EXAMPLES)
def test_a_documented_event_has_no_unknown_field(kind: type[Event], event: Event) -> None:
    assert unknown_fields(encode(event), kind) == []


def test_unknown_fields_are_named_in_order() -> None:
    assert unknown_fields(json.dumps(CHANGE | {"prise": 4, "Title": None}).encode(), ItemChange) == ["Title", "prise"]


def test_of_a_structured_cloud_event_the_data_are_looked_at() -> None:
    envelope = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "x", "data": CHANGE | {"prise": 4}}
    assert unknown_fields(json.dumps(envelope).encode(), ItemChange) == ["prise"]


@pytest.mark.parametrize("value", [None, b"", b"{", b"[]", b"\xff", b"\0\0\0\0\7{}", b'{"x":' + b"[" * 9999], ids=repr)
def test_what_is_no_object_has_no_unknown_field(value: bytes | None) -> None:
    assert unknown_fields(value, ItemChange) == []


@given(st.binary(max_size=60))
def test_any_bytes_may_be_asked(value: bytes) -> None:
    unknown_fields(value, Interaction)


def test_a_log_line_names_few_fields_and_little_of_each(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{number:03}" + "x" * 500 for number in range(300)]
    event = encode(CHANGE | dict.fromkeys(names, 1))
    assert len(note_unknown_fields(Record("events.items", 0, 0, NOON, b"i1", event), ItemChange)) == 300
    assert len(capsys.readouterr().out) < 2000
