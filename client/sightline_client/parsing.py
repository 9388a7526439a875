"""From the bytes of an event to the event, or to one InvalidEvent that says why not."""

from typing import Any, Final, TypeVar

import msgspec

from sightline_client.errors import InvalidEvent
from sightline_client.events import Event, Interaction, ItemChange, PrivacyRequest, Upload
from sightline_client.faults import fault_of
from sightline_client.numbers import time_fields, with_integers
from sightline_client.times import PLAUSIBLE_FROM_MS, PLAUSIBLE_UNTIL_MS, check_unit

EVENT_LIMIT: Final = 64 * 1024
UPLOAD_LIMIT: Final = 3 * 1024 * 1024 // 2
#: All that msgspec raises for bytes of another form; broken UTF-8 and deep nesting have errors of their own.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

E = TypeVar("E", bound=Event)
_decoders: Final[dict[type[Event], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Interaction, Upload, ItemChange, PrivacyRequest)
}
#: The kinds with more Unix times than `occurred_at_ms`.
_MORE_TIMES: Final = frozenset(kind for kind in _decoders if len(time_fields(kind)) > 1)
_fields: Final = msgspec.json.Decoder(dict[str, Any])


def kind_of(event: Event) -> type[Event]:
    """The kind of an event on the wire; an app may have a subclass of it. Raises TypeError for anything else."""
    for kind in _decoders:
        if isinstance(event, kind):
            return kind
    raise TypeError(f"an Interaction, Upload, ItemChange or PrivacyRequest is needed, not {type(event).__name__}")


def size_limit(kind: type[Event]) -> int:
    """How many bytes a message with an event of this kind may have."""
    return UPLOAD_LIMIT if kind is Upload else EVENT_LIMIT


def check_size(value: bytes, kind: type[Event]) -> None:
    """Raise InvalidEvent for a message that is larger than an event of this kind may be."""
    limit = size_limit(kind)
    if len(value) > limit:
        raise InvalidEvent("too_large", f"the message is {len(value)} bytes; at most {limit} are accepted")


def decode(value: bytes, kind: type[E]) -> E:
    """Read an event; raises InvalidEvent for what is not JSON, or breaks a rule of its kind."""
    try:
        event: E = _decoders[kind].decode(value)
    except msgspec.ValidationError:
        # Perhaps a float stands for an integer; publishers that never do so pay nothing for it.
        return from_fields(decode_fields(value), kind)
    except UNREADABLE as error:
        raise refusal(error) from None
    if not PLAUSIBLE_FROM_MS <= event.occurred_at_ms < PLAUSIBLE_UNTIL_MS or kind in _MORE_TIMES:
        _check_times(event, kind)
    return event


def decode_fields(value: bytes) -> dict[str, Any]:
    """Read a JSON object; raises InvalidEvent."""
    try:
        return _fields.decode(value)
    except UNREADABLE as error:
        raise refusal(error) from None


def from_fields(fields: dict[str, Any], kind: type[E]) -> E:
    """Make an event of its fields in plain JSON types; raises InvalidEvent as `decode` does."""
    for name in time_fields(kind):
        if type(fields.get(name)) in (int, float):
            check_unit(name, fields[name])
    try:
        return msgspec.convert(with_integers(fields, kind), kind)
    except msgspec.ValidationError as error:
        raise refusal(error) from None


def _check_times(event: Event, kind: type[Event]) -> None:
    for name in time_fields(kind):
        at_ms = getattr(event, name)
        if type(at_ms) is int:
            check_unit(name, at_ms)


def refusal(error: Exception) -> InvalidEvent:
    """What it says of an event that reading it raised one of UNREADABLE."""
    fault = fault_of(error, whole="the event")
    if not isinstance(error, msgspec.ValidationError):
        return InvalidEvent("bad_json", fault)
    unknown = "Invalid enum value" in str(error) and "`$.type`" in str(error)
    return InvalidEvent("unknown_type" if unknown else "invalid_event", fault)
