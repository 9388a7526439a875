"""CloudEvents 1.0 by the Kafka binding: an event of ours is the data, and the attributes fill in what it lacks.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md, and what the SDKs do
beyond it (docs/adr/0023).
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from features.item import key_of
from sightline_client.errors import InvalidEvent
from sightline_client.events import Event, Interaction, Upload, encode
from sightline_client.parsing import E, decode_fields, from_fields, refusal, size_limit
from sightline_client.times import unit_of
from streams.wire.framing import unframed
from streams.wire.records import Record

#: An attribute's header has the prefix of Kafka's binding, or of HTTP's or AMQP's, as bridges copy them.
_ATTRIBUTE: Final = re.compile("(?:ce[_-]|cloudevents[:_])(.+)", re.IGNORECASE)
_CONTENT_TYPE: Final = "content-type"
_STRUCTURED: Final = "application/cloudevents"
_BATCH: Final = "application/cloudevents-batch"
#: What is read of the headers; the trace goes on by `trace_headers`, and extensions are ignored.
_USED: Final = {"specversion", "id", "source", "time"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Bytes of a traceparent; version 00 of W3C Trace Context has 55.
TRACE_LIMIT: Final = 128


class _Timed(msgspec.Struct):
    """The time of an envelope. RFC 3339 always has an offset; a time without one has no timestamp."""

    time: Annotated[datetime, Meta(tz=True)]


class CloudInteraction(Interaction, frozen=True, kw_only=True, gc=False):
    """An interaction whose id is that of its CloudEvent: it means something together with its `source` only."""

    source: str | None = None
    traceparent: str | None = None


class CloudUpload(Upload, frozen=True, kw_only=True):
    """An upload whose id is that of its CloudEvent."""

    source: str | None = None


_OF_CLOUD: Final[dict[type[Event], type[Event]]] = {Interaction: CloudInteraction, Upload: CloudUpload}


def event_key(event: Interaction | Upload) -> int:
    """The key by which an event that is sent again is recognised: of its id, and of its CloudEvent's source if any."""
    source = event.source if isinstance(event, (CloudInteraction, CloudUpload)) else None
    return key_of(event.event_id if source is None else msgspec.json.encode([source, event.event_id]).decode())


def written(event: Event) -> tuple[bytes, tuple[tuple[str, bytes], ...]]:
    """An event as the value and headers of a record, from which the parsers of this package read the same event.

    The id of a CloudEvent means something together with its source only, so that is a CloudEvent again, in binary mode.
    """
    if not isinstance(event, (CloudInteraction, CloudUpload)):
        return encode(event), ()
    fields = msgspec.to_builtins(event)
    source, trace = fields.pop("source", None), fields.pop("traceparent", None)
    headers = [] if trace is None else [("traceparent", trace.encode())]
    if source is not None:
        headers += [("content-type", b"application/json"), ("ce_specversion", b"1.0")]
        headers += [("ce_id", fields.pop("event_id").encode()), ("ce_source", source.encode())]
    return encode(fields), tuple(headers)


def trace_headers(record: Record, event: Interaction) -> tuple[tuple[str, bytes], ...]:
    """The `traceparent` header for what an event leads to: that of its record, else the CloudEvents extension."""
    given = [value for name, value in record.headers if name.lower() == "traceparent"]
    if record.headers and (extension := attributes_in(record.headers).get("traceparent")):
        given.append(extension)
    if isinstance(event, CloudInteraction) and event.traceparent is not None:
        given.append(event.traceparent.encode())
    # What is longer is no trace, and would swell the list.
    traces = [value for value in given if len(value) <= TRACE_LIMIT]
    return tuple(("traceparent", value) for value in traces[:1])


def attributes_in(headers: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """The attributes of a CloudEvent in the headers of its record, by lower-case names, and the content type."""
    found: dict[str, bytes] = {}
    for name, value in headers:
        # Most headers are others: this is on the path of every record that has some.
        if name[:1] not in "cC":
            continue
        # A header may be null in Kafka: it says as much as an empty one.
        if name.lower() == _CONTENT_TYPE:
            found[_CONTENT_TYPE] = value or b""
        elif attribute := _ATTRIBUTE.fullmatch(name):
            found[attribute[1].lower()] = value or b""
    return found


def is_cloud_event(attributes: dict[str, bytes]) -> bool:
    """Whether the headers say that a record is a CloudEvent; the body of a structured one may say so alone."""
    content_type = attributes.get(_CONTENT_TYPE)
    if content_type is None:
        return bool(attributes)
    return len(attributes) > 1 or content_type.lstrip().lower().startswith(_STRUCTURED.encode())


def read_event(payload: bytes, attributes: dict[str, bytes], record: Record, kind: type[E]) -> E:
    """Read the event in a CloudEvent, structured or binary, or in a plain JSON object; raises InvalidEvent."""
    fields, envelope = opened(payload, attributes, kind)
    return from_fields(fields, kind) if envelope is None else _filled(fields, envelope, record, kind)


def opened(
    payload: bytes, attributes: dict[str, bytes], kind: type[Event]
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The event's own fields, and the envelope of its CloudEvent; None for a plain event. Raises InvalidEvent."""
    content_type = _content_type(attributes)
    if content_type.startswith(_BATCH) or (payload.lstrip()[:1] == b"[" and b'"specversion"' in payload):
        raise InvalidEvent(
            "cloudevents_batch",
            "the message is a batch of CloudEvents, which the binding for Kafka does not have: send each event as a "
            "message of its own; producers put messages together by themselves (linger.ms)",
        )
    is_binary = is_cloud_event(attributes)
    if is_binary:
        _check_json(content_type)
    body = decode_fields(payload)
    if content_type.startswith(_STRUCTURED) or "specversion" in body:
        _check_json(content_type)
        envelope = {name: value for name, value in body.items() if value is not None}
        return _data_of(envelope, size_limit(kind)), envelope
    return body, _used(attributes) if is_binary else None


def _used(attributes: dict[str, bytes]) -> dict[str, Any]:
    try:
        return {name: attributes[name].decode() for name in _USED if attributes.get(name)}
    except UnicodeDecodeError as error:
        raise refusal(error) from None


def _content_type(attributes: dict[str, bytes]) -> str:
    return attributes.get(_CONTENT_TYPE, b"").decode(errors="replace").strip().lower()


def _check_json(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", _STRUCTURED) and not media_type.endswith(("/json", "+json")):
        raise InvalidEvent("content_type", f"the event is of the type {media_type[:128]!r}: only JSON can be read")


def _data_of(envelope: dict[str, Any], limit: int) -> dict[str, Any]:
    """The event in an envelope: as JSON, as a text of JSON, or as such a text in base64."""
    _check_json(str(envelope.get("datacontenttype", "")))
    data = envelope.get("data")
    if "data_base64" in envelope and data is None:
        try:
            data = unframed(b64decode(envelope["data_base64"], validate=True), limit)
        except (binascii.Error, ValueError, TypeError) as error:
            raise InvalidEvent("invalid_event", f"the CloudEvent's `data_base64` is not base64: {error}") from None
    if isinstance(data, str | bytes):
        data = decode_fields(data if isinstance(data, bytes) else data.encode())
    if not isinstance(data, dict):
        raise InvalidEvent("invalid_event", "the CloudEvent's `data` is no JSON object: it must be the event")
    return data


def _filled(data: dict[str, Any], envelope: dict[str, Any], record: Record, kind: type[E]) -> E:
    """The event of a CloudEvent: the envelope's id, source and time stand in for what the data lacks."""
    version = str(envelope.get("specversion", "1.0"))
    if version.partition(".")[0] != "1":
        raise InvalidEvent("invalid_event", f"CloudEvents {version[:16]!r} cannot be read: send version 1.0")
    fields, more = dict(data), {}
    if data.get("event_id") is None and "id" in envelope:
        fields["event_id"] = envelope["id"]
        more["source"] = envelope.get("source")
    if data.get("occurred_at_ms") is None:
        fields["occurred_at_ms"] = _time_ms(envelope["time"]) if "time" in envelope else record.timestamp_ms
    trace = envelope.get("traceparent")
    if kind is Interaction and isinstance(trace, str) and len(trace) <= TRACE_LIMIT:
        more["traceparent"] = trace
    if kind not in _OF_CLOUD or not any(more.values()):
        return from_fields(fields, kind)
    return from_fields(fields | {"source": None, "traceparent": None} | more, cast(type[E], _OF_CLOUD[kind]))


def _time_ms(time: object) -> int:
    try:
        return round((msgspec.convert({"time": time}, _Timed).time - _EPOCH) / timedelta(milliseconds=1))
    except msgspec.ValidationError:
        number = _number(time)
        hint = "" if number is None else f", and looks like Unix {unit_of(number)}"
        raise InvalidEvent(
            "invalid_event",
            f"the CloudEvent's `time` is {str(time)[:64]!r}{hint}: give RFC 3339, such as 2026-09-21T14:13:20Z",
        ) from None


def _number(value: object) -> float | None:
    try:
        return float(str(value)[:64])
    except ValueError:
        return None
