"""From the bytes of an event to the event, or to one InvalidEvent that says why not."""

from typing import Any, Final, TypeVar

import msgspec

from sightline_client.errors import InvalidEvent
from sightline_client.events import Event, Interaction, ItemChange, PrivacyRequest, Upload

EVENT_LIMIT: Final = 64 * 1024
UPLOAD_LIMIT: Final = 3 * 1024 * 1024 // 2
#: All that msgspec raises for bytes of another form; broken UTF-8 and deep nesting have errors of their own.
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

E = TypeVar("E", bound=Event)
_decoders: Final[dict[type[Event], msgspec.json.Decoder[Any]]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Interaction, Upload, ItemChange, PrivacyRequest)
}


def kind_of(event: Event) -> type[Event]:
    """The kind of an event on the wire; an app may have a subclass of it. Raises TypeError for anything else."""
    for kind in _decoders:
        if isinstance(event, kind):
            return kind
    raise TypeError(f"an Interaction, Upload, ItemChange or PrivacyRequest is needed, not {type(event).__name__}")


def check_size(value: bytes, kind: type[Event]) -> None:
    """Raise InvalidEvent for a message that is larger than an event of this kind may be."""
    limit = UPLOAD_LIMIT if kind is Upload else EVENT_LIMIT
    if len(value) > limit:
        raise InvalidEvent("too_large", f"the message is {len(value)} bytes; at most {limit} are accepted")


def decode(value: bytes, kind: type[E]) -> E:
    """Read an event; raises InvalidEvent for what is not JSON, or breaks a rule of its kind."""
    try:
        event: E = _decoders[kind].decode(value)
    except UNREADABLE as error:
        raise refusal(error) from None
    return event


def refusal(error: Exception) -> InvalidEvent:
    """What it says of an event that reading it raised one of UNREADABLE."""
    if not isinstance(error, msgspec.ValidationError):
        return InvalidEvent("bad_json", f"not JSON in UTF-8: {error}")
    unknown = "Invalid enum value" in str(error) and "`$.type`" in str(error)
    return InvalidEvent("unknown_type" if unknown else "invalid_event", str(error))
