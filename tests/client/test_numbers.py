"""Numbers and times as other languages write them."""

import json

import pytest

from sightline_client import Interaction, InvalidEvent, Upload
from sightline_client.parsing import decode, from_fields

VIEW = {"event_id": "v-1", "type": "view", "user_id": "u1", "item_id": "i9", "occurred_at_ms": 1_790_000_000_000}
UPLOAD = {"event_id": "n-1", "item_id": "i1", "user_id": "u1", "occurred_at_ms": 1_790_000_000_000, "image_ref": "a"}


def view(**fields: str) -> bytes:
    """A view whose fields are these pieces of JSON."""
    written = {name: json.dumps(value) for name, value in VIEW.items()} | fields
    return ("{" + ",".join(f'"{name}":{value}' for name, value in written.items()) + "}").encode()


@pytest.mark.parametrize(
    ("number", "kept"),
    [("1790000000000.0", 1_790_000_000_000), ("1.79E12", 1_790_000_000_000), ("1790000000000.4", 1_790_000_000_000)],
)
def test_a_time_may_be_any_number(number: str, kept: int) -> None:
    assert decode(view(occurred_at_ms=number), Interaction).occurred_at_ms == kept


def test_integers_may_be_written_with_a_point() -> None:
    event = decode(view(dwell_ms="1500.0", position="2.0"), Interaction)
    assert (event.dwell_ms, event.position) == (1500, 2)
    assert type(event.dwell_ms) is int


@pytest.mark.parametrize(("number", "kept"), [("1234.4", 1234), ("1234.6", 1235), ("0.2", 0), ("-0.0", 0)])
def test_a_fraction_of_a_millisecond_is_rounded(number: str, kept: int) -> None:
    assert decode(view(dwell_ms=number), Interaction).dwell_ms == kept


@pytest.mark.parametrize(
    ("field", "number"),
    [("position", "2.5"), ("dwell_ms", "-0.4"), ("dwell_ms", "1e19"), ("dwell_ms", "1e400"), ("dwell_ms", '"1500"')],
)
def test_what_is_no_integer_in_its_bounds_is_refused(field: str, number: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        decode(view(**{field: number}), Interaction)
    assert caught.value.reason == "invalid_event"


@pytest.mark.parametrize(
    ("number", "unit"),
    [
        ("1790000000", "seconds"),
        ("1790000000.123", "seconds"),
        ("1790000000000000", "microseconds"),
        ("1.79e18", "nanoseconds"),
    ],
)
def test_a_time_in_another_unit_is_told(number: str, unit: str) -> None:
    with pytest.raises(InvalidEvent, match=f"looks like Unix {unit}: give Unix milliseconds, such as 1790000000") as at:
        decode(view(occurred_at_ms=number), Interaction)
    assert at.value.reason == "invalid_event"


def test_every_time_field_tells() -> None:
    with pytest.raises(InvalidEvent, match="`expires_at_ms` is 1790000000, which looks like Unix seconds"):
        decode(json.dumps(UPLOAD | {"expires_at_ms": 1_790_000_000}).encode(), Upload)
    with pytest.raises(InvalidEvent, match="`expires_at_ms`"):
        from_fields(UPLOAD | {"expires_at_ms": 1_790_000_000}, Upload)


@pytest.mark.parametrize("never", [2**63 - 1, 2**53 - 1, 253_402_300_799_000, 0, -1, None])
def test_what_stands_for_never_or_for_the_beginning_is_no_other_unit(never: int | None) -> None:
    assert decode(json.dumps(UPLOAD | {"expires_at_ms": never}).encode(), Upload).expires_at_ms == never


def test_a_line_break_behind_a_code_is_refused() -> None:
    with pytest.raises(InvalidEvent):
        decode(json.dumps(UPLOAD | {"currency": "EUR\n"}).encode(), Upload)
    with pytest.raises(InvalidEvent):
        decode(json.dumps(UPLOAD | {"sha256": "0" * 64 + "\n"}).encode(), Upload)
