"""From a record's bytes to an event, or to one InvalidEvent that says why not."""

from typing import Any

from sightline_client.errors import InvalidEvent
from sightline_client.events import Event, Interaction, ItemChange, PrivacyRequest, Upload
from sightline_client.parsing import E, check_size, decode, decode_fields, size_limit
from streams.errors import NothingSaid
from streams.wire.cloud_events import attributes_in, is_cloud_event, opened, read_event
from streams.wire.framing import unframed
from streams.wire.records import Record

HEADER_LIMIT = 32
PAST_MS = 7 * 86_400_000
FUTURE_MS = 300_000
#: The header of a record that stands for a whole batch, and says why (streams/kafka/record_batches.py).
NOT_UNPACKED = "sightline-not-unpacked"


def parse_interaction(record: Record) -> Interaction:
    """Parse a record of events.interactions; raises InvalidEvent, and NothingSaid for a search."""
    event = _parse(record, Interaction)
    _check_key(record, "user_id", event.user_id)
    if event.type == "search":
        raise NothingSaid("search", "a search concerns no item, so it changes no profile")
    return event


def parse_upload(record: Record) -> Upload:
    """Parse a record of events.uploads; raises InvalidEvent."""
    event = _parse(record, Upload)
    if event.purpose == "catalog":
        _check_key(record, "item_id", event.item_id)
    else:
        _check_key(record, "user_id", event.user_id)
    return event


def parse_item_change(record: Record) -> ItemChange:
    """Parse a record of events.items; raises InvalidEvent."""
    event = _parse(record, ItemChange)
    _check_key(record, "item_id", event.item_id)
    return event


def parse_privacy_request(record: Record) -> PrivacyRequest:
    """Parse a record of events.privacy; raises InvalidEvent."""
    event = _parse(record, PrivacyRequest)
    _check_key(record, "user_id", event.user_id)
    return event


def own_fields(record: Record, kind: type[Event]) -> dict[str, Any]:
    """An event's own fields, as the parsers above find them; raises InvalidEvent. It costs more than parsing."""
    value, attributes = record.value or b"", attributes_in(record.headers)
    if not is_cloud_event(attributes) and b'"specversion"' in value:
        try:
            # It may be a plain event with a field of this name.
            decode(value, kind)
        except InvalidEvent:
            pass
        else:
            return decode_fields(value)
    return opened(unframed(value, size_limit(kind)), attributes, kind)[0]


def clamp_time(occurred_at_ms: int, broker_ms: int) -> int:
    """The event's own time, kept within [broker time - 7 days, broker time + 5 minutes]."""
    return min(max(occurred_at_ms, broker_ms - PAST_MS), broker_ms + FUTURE_MS)


def time_said(occurred_at_ms: int, broker_ms: int) -> int:
    """When what an event says of an item counts as said (Unix ms, docs/adr/0020).

    This is the broker's time: clocks that differ by up to 5 minutes do not matter, and a fast one never does. An event
    that is later than that counts as said 5 minutes after its own time.
    """
    return min(clamp_time(occurred_at_ms, broker_ms) + FUTURE_MS, broker_ms)


def is_tombstone(record: Record) -> bool:
    """Whether a record has a null value, as Debezium and compacted topics write for what was deleted."""
    return record.value is None and all(name != NOT_UNPACKED for name, _ in record.headers)


def _parse(record: Record, kind: type[E]) -> E:
    value = record.value
    if value is None:
        raise _without_value(record)
    check_size(value, kind)
    if len(record.headers) > HEADER_LIMIT:
        raise InvalidEvent("too_many_headers", f"{len(record.headers)} headers; at most {HEADER_LIMIT} are accepted")
    attributes = attributes_in(record.headers) if record.headers else {}
    if attributes and is_cloud_event(attributes):
        return read_event(unframed(value, size_limit(kind)), attributes, record, kind)
    try:
        return decode(value, kind)
    except InvalidEvent:
        # Only now: a plain event pays nothing for the other forms.
        payload = unframed(value, size_limit(kind))
        if payload == value and b'"specversion"' not in value:
            raise
    return read_event(payload, attributes, record, kind)


def _without_value(record: Record) -> InvalidEvent:
    for name, why in record.headers:
        if name == NOT_UNPACKED:
            return InvalidEvent("not_unpacked", why.decode(errors="replace"))
    return NothingSaid("tombstone", "the message has no value")


def _check_key(record: Record, field: str, value: str) -> None:
    if record.key is None:
        raise InvalidEvent("no_key", f"the message has no key; it must be the event's {field}")
    if record.key != value.encode():
        raise InvalidEvent("key_mismatch", f"the key is {record.key[:64]!r} but {field} is {value!r}")
