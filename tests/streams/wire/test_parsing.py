import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline_client.parsing import EVENT_LIMIT, UPLOAD_LIMIT
from streams.errors import InvalidEvent, NothingSaid
from streams.wire.events import Event, Interaction, ItemChange, Only, Upload
from streams.wire.parsing import (
    NOT_UNPACKED,
    clamp_time,
    is_tombstone,
    parse_interaction,
    parse_item_change,
    parse_upload,
    time_said,
)
from streams.wire.records import Record

NOON = 1_767_268_800_000
CLICK = {"event_id": "c-1", "type": "click", "user_id": "u1", "item_id": "i9", "occurred_at_ms": NOON}
UPLOAD = {
    "event_id": "n-1",
    "item_id": "i10",
    "user_id": "u2",
    "occurred_at_ms": NOON,
    "image_ref": "products/i10.jpg",
}
CHANGE = {"event_id": "s-1", "item_id": "i10", "occurred_at_ms": NOON, "price": 39.9}
Headers = tuple[tuple[str, bytes], ...]


def record(value: object, *, key: bytes | None = b"u1", headers: Headers = ()) -> Record:
    wire = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return Record("events.interactions", 0, 7, NOON, key, wire, headers)


def refusal(value: object, *, key: bytes | None = b"u1", headers: Headers = ()) -> str:
    with pytest.raises(InvalidEvent) as caught:
        parse_interaction(record(value, key=key, headers=headers))
    return caught.value.reason


def click(**changes: object) -> dict[str, object]:
    return CLICK | changes


def upload_refusal(**changes: object) -> str:
    with pytest.raises(InvalidEvent) as caught:
        parse_upload(record(UPLOAD | changes, key=b"i10"))
    return caught.value.reason


# What is read


def test_a_click_is_read() -> None:
    expected = Interaction(event_id="c-1", type="click", user_id="u1", item_id="i9", occurred_at_ms=NOON)
    assert parse_interaction(record(CLICK)) == expected


def test_unknown_fields_are_ignored() -> None:
    assert parse_interaction(record(click(colour="red"))) == parse_interaction(record(CLICK))


def test_a_picture_in_base64_becomes_its_bytes() -> None:
    inline = {name: value for name, value in UPLOAD.items() if name != "image_ref"}
    inline["image"] = base64.b64encode(b"\x89PNG").decode()
    assert parse_upload(record(inline, key=b"i10")).image == b"\x89PNG"


def test_a_query_has_the_user_as_its_key() -> None:
    assert parse_upload(record(UPLOAD | {"purpose": "query"}, key=b"u2")).purpose == "query"


def test_a_query_with_the_item_as_its_key_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="user_id is 'u2'"):
        parse_upload(record(UPLOAD | {"purpose": "query"}, key=b"i10"))


def test_a_query_may_be_limited() -> None:
    only = {"max_price": 50, "size": "L", "min_similarity": 0.6, "exclude": ["i1"], "attributes": {"brand": "Acme"}}
    limited = parse_upload(record(UPLOAD | {"purpose": "query", "only": only, "count": 3}, key=b"u2"))
    assert limited.only == Only(max_price=50.0, min_similarity=0.6, exclude=("i1",), attributes={"brand": "Acme"})
    assert limited.count == 3


def test_a_query_may_say_by_what_it_compares() -> None:
    mixed = parse_upload(record(UPLOAD | {"purpose": "query", "by": {"look": 0.75, "colour": 0.25}}, key=b"u2"))
    assert mixed.by == {"look": 0.75, "colour": 0.25}
    assert parse_upload(record(UPLOAD | {"purpose": "query"}, key=b"u2")).by is None


@pytest.mark.parametrize("by", [{}, {"colour": 0}, {"smell": 1}, {"colour": -1}, {"colour": 2}, "colour", ["colour"]])
def test_a_comparison_that_means_nothing_is_refused(by: object) -> None:
    with pytest.raises(InvalidEvent):
        parse_upload(record(UPLOAD | {"purpose": "query", "by": by}, key=b"u2"))


def test_only_a_query_compares() -> None:
    with pytest.raises(InvalidEvent, match="`by` is for a query"):
        parse_upload(record(UPLOAD | {"by": {"colour": 1}}, key=b"i10"))


@pytest.mark.parametrize(
    "only",
    [
        {"category": ""},
        {"min_price": -1},
        {"min_similarity": 1.1},
        {"exclude": [""]},
        {"exclude": ["i"] * 501},
        {"attributes": {"brand": ""}},
        "shoes",
    ],
)
def test_a_limit_that_means_nothing_is_refused(only: object) -> None:
    with pytest.raises(InvalidEvent):
        parse_upload(record(UPLOAD | {"purpose": "query", "only": only}, key=b"u2"))


@pytest.mark.parametrize("count", [0, -1, 201, 10**9, 2.5, "all"])
def test_a_count_that_no_answer_can_have_is_refused(count: object) -> None:
    with pytest.raises(InvalidEvent):
        parse_upload(record(UPLOAD | {"purpose": "query", "count": count}, key=b"u2"))


@pytest.mark.parametrize("limit", [{"only": {"category": "shoes"}}, {"count": 3}])
def test_an_item_cannot_be_limited(limit: dict[str, object]) -> None:
    with pytest.raises(InvalidEvent, match=r"`(only|count)` is for a query"):
        parse_upload(record(UPLOAD | limit, key=b"i10"))


def test_an_item_change_is_read() -> None:
    expected = ItemChange(event_id="s-1", item_id="i10", occurred_at_ms=NOON, price=39.9)
    assert parse_item_change(record(CHANGE, key=b"i10")) == expected


def test_of_a_field_given_twice_the_last_counts() -> None:
    twice = json.dumps(CLICK).replace('"item_id": "i9"', '"item_id": "i8", "item_id": "i9"').encode()
    assert parse_interaction(record(twice)).item_id == "i9"


def test_a_user_id_given_twice_must_still_match_the_key() -> None:
    twice = json.dumps(CLICK).replace('"user_id": "u1"', '"user_id": "u1", "user_id": "u2"').encode()
    assert refusal(twice) == "key_mismatch"


# What is refused: bytes


def test_bad_json_is_refused() -> None:
    assert refusal(b"{click}") == "bad_json"


def test_an_empty_value_is_refused() -> None:
    assert refusal(b"") == "bad_json"


def test_a_null_value_says_nothing() -> None:
    with pytest.raises(NothingSaid):
        parse_interaction(record(None))
    assert refusal(None) == "tombstone"
    assert is_tombstone(record(None))
    assert not is_tombstone(record(b""))
    assert not is_tombstone(record(None, headers=((NOT_UNPACKED, b"too large"),)))


def test_a_record_that_stands_for_a_batch_is_refused_with_the_reason_that_it_brings() -> None:
    assert refusal(None, headers=((NOT_UNPACKED, b"too large"),)) == "not_unpacked"


def test_ff_bytes_are_refused() -> None:
    assert refusal(b"\xff" * 32) == "bad_json"


def test_ff_inside_a_string_is_refused() -> None:
    assert refusal(json.dumps(CLICK).encode().replace(b"i9", b"\xff")) == "bad_json"


def test_nan_is_refused() -> None:
    assert refusal(json.dumps(click(rating=float("nan"))).encode()) == "bad_json"


def test_infinity_is_refused() -> None:
    assert refusal(json.dumps(CLICK).replace(str(NOON), "1e400").encode()) == "invalid_event"


def test_deep_nesting_is_refused() -> None:
    assert refusal(b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}") == "bad_json"


def test_a_huge_integer_is_refused() -> None:
    assert refusal(json.dumps(CLICK).replace(str(NOON), "9" * 400).encode()) == "invalid_event"


def test_an_integer_just_over_64_bits_is_refused() -> None:
    assert refusal(click(occurred_at_ms=2**63)) == "invalid_event"


def test_a_lone_surrogate_is_refused() -> None:
    assert refusal(click(item_id="\ud800")) == "bad_json"


def test_a_message_over_64_kib_is_refused() -> None:
    fits = json.dumps(CLICK).encode().ljust(EVENT_LIMIT)
    assert parse_interaction(record(fits)).item_id == "i9"
    assert refusal(fits + b" ") == "too_large"


def test_an_upload_over_a_megabyte_and_a_half_is_refused() -> None:
    fits = json.dumps(UPLOAD).encode().ljust(UPLOAD_LIMIT)
    assert parse_upload(record(fits, key=b"i10")).item_id == "i10"
    with pytest.raises(InvalidEvent, match="1572865 bytes; at most 1572864"):
        parse_upload(record(fits + b" ", key=b"i10"))


def test_more_than_32_headers_are_refused() -> None:
    headers = tuple((f"h{n}", b"") for n in range(33))
    assert parse_interaction(record(CLICK, headers=headers[:32])).item_id == "i9"
    assert refusal(CLICK, headers=headers) == "too_many_headers"


# What is refused: fields


@pytest.mark.parametrize("missing", ["event_id", "type", "user_id", "item_id", "occurred_at_ms"])
def test_a_missing_field_is_refused(missing: str) -> None:
    assert refusal({name: value for name, value in CLICK.items() if name != missing}) == "invalid_event"


@pytest.mark.parametrize("field", ["event_id", "user_id", "item_id"])
def test_an_empty_id_is_refused(field: str) -> None:
    assert refusal(click(**{field: ""}), key=b"") == "invalid_event"


def test_an_id_of_129_characters_is_refused() -> None:
    assert parse_interaction(record(click(item_id="i" * 128))).item_id == "i" * 128
    assert refusal(click(item_id="i" * 129)) == "invalid_event"


def test_an_id_of_a_megabyte_is_refused() -> None:
    assert refusal(click(user_id="u" * 1_000_000)) == "too_large"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", 5),
        ("item_id", None),
        ("occurred_at_ms", "noon"),
        ("position", 1.5),
        ("occurred_at_ms", True),
        ("dwell_ms", -1),
        ("dwell_ms", 2**63),
        ("dwell_ms", 10**400),
        ("rating", 5.1),
        ("position", -1),
        ("surface", ["home"]),
    ],
)
def test_a_wrong_type_or_range_is_refused(field: str, value: object) -> None:
    assert refusal(click(**{field: value})) == "invalid_event"


def test_a_list_in_place_of_an_event_is_refused() -> None:
    assert refusal([CLICK]) == "invalid_event"


def test_an_unknown_type_has_a_reason_of_its_own_so_that_it_can_be_sent_again_later() -> None:
    assert refusal(click(type="teleport")) == "unknown_type"


def test_a_wrong_purpose_is_no_unknown_type() -> None:
    assert upload_refusal(purpose="keep") == "invalid_event"


def test_a_rating_without_its_number_is_refused() -> None:
    assert refusal(click(type="rate")) == "invalid_event"


def test_an_upload_without_a_picture_is_refused() -> None:
    assert upload_refusal(image_ref=None) == "invalid_event"


def test_an_upload_with_two_pictures_is_refused() -> None:
    assert upload_refusal(video_ref="clips/1.mp4") == "invalid_event"


def test_a_picture_over_a_mebibyte_is_refused() -> None:
    big = base64.b64encode(b"\0" * (1024 * 1024 + 1)).decode()
    assert upload_refusal(image=big, image_ref=None) == "invalid_event"


def test_a_picture_that_is_not_base64_is_refused() -> None:
    assert upload_refusal(image="§§§", image_ref=None) == "invalid_event"


def test_a_negative_price_is_refused() -> None:
    assert upload_refusal(price=-1) == "invalid_event"


# What is refused: keys


def test_a_null_key_is_refused() -> None:
    assert refusal(CLICK, key=None) == "no_key"


def test_a_key_of_another_user_is_refused() -> None:
    assert refusal(CLICK, key=b"u2") == "key_mismatch"


def test_a_key_that_is_not_utf8_is_refused() -> None:
    assert refusal(CLICK, key=b"\xff") == "key_mismatch"


# Times


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (NOON, NOON),
        (NOON - 7 * 86_400_000, NOON - 7 * 86_400_000),
        (NOON - 7 * 86_400_000 - 1, NOON - 7 * 86_400_000),
        (NOON + 300_000, NOON + 300_000),
        (NOON + 300_001, NOON + 300_000),
        (-5, NOON - 7 * 86_400_000),
        (NOON // 1000, NOON - 7 * 86_400_000),
        (NOON * 1000, NOON + 300_000),
    ],
)
def test_a_time_far_off_is_brought_within_a_week_before_and_five_minutes_after(told: int, kept: int) -> None:
    assert clamp_time(told, NOON) == kept


# CloudEvents (test_cloud_events.py)

BARE = {"type": "click", "user_id": "u1", "item_id": "i9"}


@pytest.mark.parametrize("name", ["content-type", "ce_id", "ce_time", "traceparent"])
def test_a_null_header_is_an_event_or_an_invalid_event(name: str) -> None:
    # As Kafka may give it, whatever the type of ours says.
    headers: Any = ((name, None),)
    with suppress(InvalidEvent):
        parse_interaction(record(BARE, headers=headers))
    with suppress(InvalidEvent):
        parse_interaction(record(CLICK, headers=headers))


# Any bytes at all

PARSERS = [parse_interaction, parse_upload, parse_item_change]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = sorted({field.name for kind in (Interaction, Upload, ItemChange) for field in msgspec.structs.fields(kind)})
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "CE_Time", "ce-type", "content-type", "Content-Type", "traceparent"]),
        st.binary(max_size=12)
        | st.sampled_from(
            [
                b"application/cloudevents+json",
                b"application/json",
                b"\xff",
                b"0001-01-01T00:00:00",
                b"9999-12-31T23:59:59-23:59",
            ]
        ),
    ),
    max_size=3,
).map(tuple)


@pytest.mark.parametrize("parse", PARSERS)
@given(value=st.none() | st.binary(max_size=200), key=st.none() | st.binary(max_size=8), headers=HEADERS)
def test_arbitrary_bytes_are_an_event_or_an_invalid_event(
    parse: Callable[[Record], Event], value: bytes | None, key: bytes | None, headers: Headers
) -> None:
    with suppress(InvalidEvent):
        parse(record(value, key=key, headers=headers))


@pytest.mark.parametrize("parse", PARSERS)
@given(
    event=st.dictionaries(
        st.sampled_from([*FIELDS, "id", "data", "data_base64", "time", "source", "specversion", "datacontenttype"]),
        JSON_VALUES,
    ),
    key=st.sampled_from([None, b"u1", b"i10"]),
    headers=HEADERS,
)
def test_arbitrary_json_under_our_field_names_is_an_event_or_an_invalid_event(
    parse: Callable[[Record], Event], event: dict[str, object], key: bytes | None, headers: Headers
) -> None:
    with suppress(InvalidEvent):
        parse(record(CLICK | UPLOAD | event, key=key, headers=headers))


# When what is said of an item was said


@pytest.mark.parametrize(
    ("own_ms", "said_ms"),
    [
        (NOON, NOON),
        (NOON + 1, NOON),
        (2**63 - 1, NOON),
        (NOON - 300_000, NOON),
        (NOON - 300_001, NOON - 1),
        (NOON - 3_600_000, NOON - 3_300_000),
        (0, NOON - 7 * 86_400_000 + 300_000),
    ],
)
def test_what_is_late_was_said_at_most_five_minutes_after_its_own_time(own_ms: int, said_ms: int) -> None:
    assert time_said(own_ms, NOON) == said_ms


@given(*[st.integers(-(2**63), 2**63 - 1)] * 2, *[st.integers(0, 10**13)] * 2)
def test_what_is_later_by_its_own_time_and_in_the_log_was_not_said_earlier(a: int, b: int, c: int, d: int) -> None:
    assert time_said(min(a, b), min(c, d)) <= time_said(max(a, b), max(c, d))


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({f"key {n}": "value" for n in range(1000)}, r"attributes.*at most 20 fields"),
        ({"k" * 41: "value"}, r"attributes.*at most 40 characters"),
        ({"key": "v" * 101}, r"attributes.*at most 100 characters"),
        ({"": "value"}, r"attributes.*at least 1 characters"),
        ({"size": 42}, r"attributes.*a text, not an integer"),
        ({"size": ["42"]}, r"attributes.*a text, not a list"),
        (["brand"], r"attributes.*an object, not a list"),
    ],
)
def test_attributes_beyond_their_bounds_are_refused_by_name(attributes: object, why: str) -> None:
    with pytest.raises(InvalidEvent, match=why):
        parse_item_change(record(CHANGE | {"attributes": attributes}, key=b"i10"))
    with pytest.raises(InvalidEvent, match=why):
        parse_upload(record(UPLOAD | {"attributes": attributes}, key=b"i10"))


def test_an_item_may_have_twenty_attributes_by_any_key() -> None:
    attributes = {f"{n:02} {'k' * 37}": "Größe " + "v" * 94 for n in range(20)}
    assert parse_upload(record(UPLOAD | {"attributes": attributes}, key=b"i10")).attributes == attributes


def test_a_search_changes_nothing_and_is_counted_as_one() -> None:
    search = {"event_id": "s-1", "type": "search", "user_id": "u1", "occurred_at_ms": NOON, "text": "red shoes"}
    with pytest.raises(NothingSaid) as caught:
        parse_interaction(record(search))
    assert caught.value.reason == "search"
    for wrong in ({"text": None}, {"text": ""}, {"text": "w" * 1001}, {"item_id": "i1"}, {"item_id": ""}):
        assert refusal(search | wrong) == "invalid_event"
    assert refusal(search, key=b"u2") == "key_mismatch"


def test_what_a_purchase_cost_is_read_and_an_amount_without_a_currency_refused() -> None:
    bought = parse_interaction(record(click(type="purchase", amount=99.8, currency="EUR", quantity=2.0)))
    assert (bought.amount, bought.currency, bought.quantity) == (99.8, "EUR", 2)
    for wrong in ({"amount": 5}, {"amount": -1, "currency": "EUR"}, {"amount": 5, "currency": "euro"}, {"quantity": 0}):
        assert refusal(click(type="purchase", **wrong)) == "invalid_event"


def test_only_a_search_has_no_item() -> None:
    without = {name: value for name, value in CLICK.items() if name != "item_id"}
    assert refusal(without) == refusal(click(item_id=None)) == "invalid_event"
    with pytest.raises(InvalidEvent, match="'click' needs `item_id`"):
        parse_interaction(record(without))
