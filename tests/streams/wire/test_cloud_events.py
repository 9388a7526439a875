"""CloudEvents as the official SDKs write them; each case is worked out by hand from the SDK that it names."""

import base64
import json

import pytest

from features.item import key_of
from streams.errors import InvalidEvent
from streams.wire.cloud_events import event_key, trace_headers, written
from streams.wire.events import Interaction, Upload
from streams.wire.parsing import parse_interaction, parse_item_change, parse_privacy_request, parse_upload
from streams.wire.records import Record

NOON = 1_767_268_800_000
#: When the broker appended the record.
APPENDED = NOON + 40
Headers = tuple[tuple[str, bytes], ...]

BARE = {"type": "click", "user_id": "u1", "item_id": "i9"}
WHOLE = BARE | {"event_id": "c-1", "occurred_at_ms": NOON - 5}
ENVELOPE = {
    "specversion": "1.0",
    "id": "ce-1",
    "source": "/shop",
    "type": "shop.click",
    "time": "2026-01-01T12:00:00Z",
    "data": BARE,
}
BINARY: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"ce-1"),
    ("ce_source", b"/shop"),
    ("ce_type", b"shop.click"),
    ("ce_time", b"2026-01-01T12:00:00Z"),
)
STRUCTURED: Headers = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
JSON: Headers = (("content-type", b"application/json"),)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def record(value: object, *, key: bytes = b"u1", headers: Headers = ()) -> Record:
    wire = value if isinstance(value, bytes) else json.dumps(value).encode()
    return Record("events.interactions", 0, 7, APPENDED, key, wire, headers)


def read(value: object, headers: Headers = ()) -> Interaction:
    return parse_interaction(record(value, headers=headers))


def refusal(value: object, headers: Headers = ()) -> InvalidEvent:
    with pytest.raises(InvalidEvent) as caught:
        read(value, headers)
    return caught.value


def base64_of(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


# How it is recognised

SDK_OUTPUTS = [
    pytest.param(ENVELOPE, JSON, id="Python 1.x, structured: the header is the data's type"),
    pytest.param(ENVELOPE, (), id="Python 1.x, structured, without a type"),
    pytest.param(ENVELOPE, STRUCTURED, id="Python 2, structured"),
    pytest.param(
        ENVELOPE | {"time": "2026-01-01T12:00:00+00:00"}, JSON, id="Python, a time as datetime.isoformat gives it"
    ),
    pytest.param(
        {"specversion": "1.0", "id": "ce-1", "source": "/shop", "type": "shop.click", "time": "2026-01-01T12:00:00Z"}
        | {"data_base64": base64_of(BARE)},
        JSON,
        id="Python 1.x, structured, data as bytes",
    ),
    pytest.param(
        ENVELOPE | {"datacontenttype": "application/json", "subject": None, "dataschema": None},
        (("content-type", b"application/cloudevents+json"),),
        id="Java JsonFormat, with nulls",
    ),
    pytest.param(
        ENVELOPE | {"datacontenttype": "application/json", "data": None, "data_base64": base64_of(BARE)},
        STRUCTURED,
        id="Java JsonFormat.withForceDataBase64",
    ),
    pytest.param(
        ENVELOPE | {"time": "2026-01-01T13:00:00.000000000+01:00", "datacontenttype": "application/json"},
        (("content-type", b"application/cloudevents+json"),),
        id="Go, structured, a time in nanoseconds",
    ),
    pytest.param(ENVELOPE | {"data": json.dumps(BARE)}, STRUCTURED, id="data as a text of JSON"),
    pytest.param(BARE, BINARY, id="binary"),
    pytest.param(BARE, (*BINARY, ("content-type", b"application/json; charset=utf-8")), id="Go and Java, binary"),
    pytest.param(BARE, tuple((name.upper(), value) for name, value in BINARY), id="binary, CE_ID"),
    pytest.param(BARE, tuple((name.title(), value) for name, value in BINARY), id="binary, Ce_Id"),
    pytest.param(BARE, tuple((name.replace("_", "-"), value) for name, value in BINARY), id="ce-id, as over HTTP"),
    pytest.param(
        BARE, tuple((name.replace("ce_", "cloudEvents:"), value) for name, value in BINARY), id="as over AMQP"
    ),
    pytest.param(
        ENVELOPE, (("Content-Type", b"Application/CloudEvents+JSON;charset=utf-8"),), id="the header in another case"
    ),
    pytest.param(ENVELOPE, (*BINARY, *STRUCTURED), id="structured, with the headers of binary"),
    pytest.param(ENVELOPE, BINARY, id="structured, with the headers of binary and without a type"),
    pytest.param(b"\xef\xbb\xbf" + json.dumps(ENVELOPE).encode(), JSON, id="with a byte order mark"),
    pytest.param(b"\0\0\0\0\7" + json.dumps(ENVELOPE).encode(), STRUCTURED, id="behind Confluent's prefix"),
]


@pytest.mark.parametrize(("value", "headers"), SDK_OUTPUTS)
def test_what_an_sdk_writes_is_read(value: object, headers: Headers) -> None:
    event = read(value, headers)
    assert (event.event_id, event.occurred_at_ms, event.item_id, event.type) == ("ce-1", NOON, "i9", "click")
    assert event_key(event) == event_key(read(ENVELOPE, STRUCTURED))


def test_the_case_of_the_field_is_applied() -> None:
    value = {"specversion": "1.0", "id": "1", "source": "/web", "type": "shop.click", "time": "2026-09-21T14:13:20Z"}
    event = read(value | {"data": BARE}, JSON)
    assert (event.event_id, event.occurred_at_ms) == ("1", 1_790_000_000_000)


def test_every_topic_reads_them() -> None:
    upload = {"item_id": "i10", "user_id": "u2", "image": base64.b64encode(b"\x89PNG").decode()}
    change = ENVELOPE | {"data": {"item_id": "i9", "price": 5}}
    request = ENVELOPE | {"data": {"type": "forget", "user_id": "u1"}}
    assert parse_upload(record(upload, key=b"i10", headers=BINARY)).image == b"\x89PNG"
    assert parse_item_change(record(change, key=b"i9")).event_id == "ce-1"
    assert parse_privacy_request(record(request)).event_id == "ce-1"


def test_a_plain_event_may_have_a_field_called_specversion() -> None:
    assert read(WHOLE | {"specversion": "9"}).event_id == "c-1"
    assert refusal({"type": "click", "note": {"specversion": "1.0"}}).reason == "invalid_event"


# Which id, source and time


def test_the_events_own_id_and_time_go_before_the_envelope() -> None:
    for event in (read(WHOLE, BINARY), read(ENVELOPE | {"data": WHOLE})):
        assert (event.event_id, event.occurred_at_ms) == ("c-1", NOON - 5)
        assert event_key(event) == key_of("c-1")


def test_two_sources_with_the_same_id_are_two_events() -> None:
    keys = {event_key(read(ENVELOPE | {"source": source})) for source in ("/web", "/app", "/app")}
    assert len(keys) == 2
    assert key_of("ce-1") not in keys


def test_the_key_of_a_source_and_an_id_cannot_be_that_of_another_pair() -> None:
    one, other = ENVELOPE | {"source": "/a b", "id": "c"}, ENVELOPE | {"source": "/a", "id": "b c"}
    assert event_key(read(one)) != event_key(read(other))


def test_an_upload_is_named_by_source_and_id_too() -> None:
    data = {"item_id": "i10", "user_id": "u2", "image_ref": "a.jpg"}
    web, app = (
        parse_upload(record(ENVELOPE | {"source": source, "data": data}, key=b"i10")) for source in ("/web", "/app")
    )
    assert event_key(web) != event_key(app)
    assert web.event_id == app.event_id


def test_without_a_source_the_id_alone_names_the_event() -> None:
    envelope = {name: value for name, value in ENVELOPE.items() if name != "source"}
    assert event_key(read(envelope, STRUCTURED)) == key_of("ce-1")
    assert type(read(envelope, STRUCTURED)) is Interaction


def test_without_a_time_the_brokers_counts() -> None:
    # The attribute is optional, and Go and Java leave it out unless they are asked for it.
    untimed = {name: value for name, value in ENVELOPE.items() if name != "time"}
    assert read(untimed).occurred_at_ms == APPENDED
    assert read(BARE, BINARY[:4]).occurred_at_ms == APPENDED


@pytest.mark.parametrize(
    ("time", "at_ms"),
    [
        ("2026-01-01T12:00:00.123Z", NOON + 123),
        ("2026-01-01T12:00:00.9996Z", NOON + 1000),
        ("2026-01-01T17:30:00+05:30", NOON),
        ("2026-01-01t12:00:00z", NOON),
        ("0001-01-01T00:00:00+23:59", -62_135_683_140_000),
    ],
)
def test_a_time_may_have_fractions_and_an_offset(time: str, at_ms: int) -> None:
    assert read(ENVELOPE | {"time": time}).occurred_at_ms == at_ms


@pytest.mark.parametrize(
    ("time", "unit"),
    [
        (1_790_000_000, "seconds"),
        ("1790000000.5", "seconds"),
        (1_790_000_000_000, "milliseconds"),
        (1_790_000_000_000_000, "microseconds"),
        (b"1790000000000000000", "nanoseconds"),
    ],
)
def test_a_time_that_is_a_number_is_told_with_its_unit(time: object, unit: str) -> None:
    if isinstance(time, bytes):
        error = refusal(BARE, (*BINARY[:4], ("ce_time", time)))
    else:
        error = refusal(ENVELOPE | {"time": time})
    assert error.reason == "invalid_event"
    assert f"looks like Unix {unit}: give RFC 3339" in str(error)


def test_a_time_without_an_offset_is_refused() -> None:
    assert refusal(BARE, (("ce_id", b"ce-1"), ("ce_time", b"0001-01-01T00:00:00"))).reason == "invalid_event"


# What cannot be read


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        ([ENVELOPE, ENVELOPE], (("content-type", b"application/cloudevents-batch+json; charset=UTF-8"),)),
        ([ENVELOPE], JSON),
        ([], (("Content-Type", b"application/CloudEvents-Batch+json"),)),
    ],
)
def test_a_batch_is_refused_with_the_way_out(value: object, headers: Headers) -> None:
    error = refusal(value, headers)
    assert error.reason == "cloudevents_batch"
    assert "send each event as a message of its own" in str(error)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"\x02avro", (*BINARY, ("content-type", b"application/avro"))),
        (b"\x02avro", (("content-type", b"application/cloudevents+avro"),)),
        (b"\x0aproto", (("content-type", b"application/cloudevents+protobuf"),)),
        (ENVELOPE | {"datacontenttype": "text/xml", "data": "<click/>"}, STRUCTURED),
        (ENVELOPE | {"datacontenttype": "application/protobuf", "data_base64": "CgJ1MQ=="}, ()),
    ],
)
def test_what_is_not_json_is_refused_by_its_type(value: object, headers: Headers) -> None:
    assert refusal(value, headers).reason == "content_type"


@pytest.mark.parametrize("content_type", ["text/json", "application/vnd.shop.click+json", "Application/JSON; v=1", ""])
def test_every_type_of_json_is_read(content_type: str) -> None:
    assert read(ENVELOPE | {"datacontenttype": content_type}).item_id == "i9"


@pytest.mark.parametrize(
    "changes",
    [
        {"data": None},
        {"data": [BARE]},
        {"data": "click"},
        {"data": 5},
        {"data": None, "data_base64": "§"},
        {"data": None, "data_base64": 5},
        {"data": None, "data_base64": base64.b64encode(b"\xff").decode()},
        {"data": BARE | {"rating": "5"}},
        {"id": ""},
        {"id": 5},
        {"id": "i" * 129},
        {"source": 5},
        {"specversion": "0.3"},
        {"specversion": "2.0"},
    ],
)
def test_an_envelope_that_breaks_a_rule_is_refused(changes: dict[str, object]) -> None:
    assert refusal(ENVELOPE | changes, STRUCTURED).reason in ("invalid_event", "bad_json")


def test_an_envelope_without_an_id_is_refused_unless_the_data_has_one() -> None:
    envelope = {name: value for name, value in ENVELOPE.items() if name != "id"}
    assert "event_id" in str(refusal(envelope))
    assert read(envelope | {"data": WHOLE}).event_id == "c-1"


def test_an_unknown_type_in_the_data_has_that_reason() -> None:
    assert refusal(BARE | {"type": "teleport"}, BINARY).reason == "unknown_type"


def test_a_header_that_is_not_utf8_is_refused() -> None:
    assert refusal(BARE, (("ce_id", b"\xff"),)).reason == "bad_json"


def test_an_empty_header_says_nothing() -> None:
    assert read(BARE, (*BINARY[:4], ("ce_time", b""))).occurred_at_ms == APPENDED
    assert refusal(BARE, (("ce_id", b""),)).reason == "invalid_event"


def test_extension_attributes_are_ignored() -> None:
    extensions = {"partitionkey": "u1", "comexampleextension1": [1], "sampledrate": 5, "traceparent": 7}
    assert read(ENVELOPE | extensions).item_id == "i9"
    assert read(BARE, (*BINARY, ("ce_partitionkey", b"\xff"), ("ce_dataref", b""))).item_id == "i9"


# Tracing


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (WHOLE, (("traceparent", TRACE.encode()),)),
        (WHOLE, (("Traceparent", TRACE.encode()), ("ce_traceparent", b"00-other"))),
        (BARE, (*BINARY, ("ce_traceparent", TRACE.encode()))),
        (WHOLE, (("CE_TraceParent", TRACE.encode()),)),
        (ENVELOPE | {"traceparent": TRACE}, STRUCTURED),
        (ENVELOPE | {"traceparent": TRACE, "data": WHOLE}, ()),
    ],
)
def test_a_trace_goes_on_from_the_header_or_the_extension(value: object, headers: Headers) -> None:
    each = record(value, headers=headers)
    assert trace_headers(each, parse_interaction(each)) == (("traceparent", TRACE.encode()),)


def test_a_text_too_long_for_a_trace_is_left_out() -> None:
    each = record(ENVELOPE | {"traceparent": "0" * 129})
    assert trace_headers(each, parse_interaction(each)) == ()


def test_an_upload_of_a_cloud_event_is_an_upload() -> None:
    data = {"item_id": "i10", "user_id": "u2", "image_ref": "a.jpg"}
    assert isinstance(parse_upload(record(ENVELOPE | {"data": data}, key=b"i10")), Upload)


# How it is written again


def test_an_event_that_is_written_again_keeps_its_source_and_its_trace() -> None:
    event = read(ENVELOPE | {"traceparent": TRACE})
    value, headers = written(event)
    again = parse_interaction(Record("events.interactions", 0, 8, APPENDED, b"u1", value, headers))
    assert (event_key(again), event_key(event)) == (key_of('["/shop","ce-1"]'), key_of('["/shop","ce-1"]'))
    assert (again.event_id, again.occurred_at_ms, again.item_id) == ("ce-1", NOON, "i9")
    assert trace_headers(Record("t", 0, 0, 0, None, value, headers), again) == (("traceparent", TRACE.encode()),)


def test_a_plain_event_is_written_as_it_is() -> None:
    value, headers = written(read(WHOLE))
    assert (json.loads(value), headers) == (WHOLE, ())
