"""From the body of a request to the events in it, by the rules of the topics; a line that is refused refuses itself."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from sightline_client.errors import InvalidEvent
from sightline_client.events import Interaction
from sightline_client.faults import fault_of
from sightline_client.parsing import UNREADABLE, check_size
from streams.processing.unknown_fields import note_unknown_fields
from streams.wire.cloud_events import attributes_in, read_event
from streams.wire.framing import BYTE_ORDER_MARK
from streams.wire.records import Record
from streams.wire.topics import INTERACTIONS
from web.media_types import BATCH, JSON_LINES, STRUCTURED
from web.problems import Problem
from web.publishing.asked import Asked

#: Events of one request at most.
EVENTS_LIMIT: Final = 1_000
#: Events that are read before other requests get their turn.
_AT_ONCE: Final = 64
#: What a body may hold, by its Content-Type.
BODIES: Final = {
    "application/json": Interaction | list[Interaction],
    JSON_LINES[0]: str,
    STRUCTURED: dict[str, Any],
    BATCH: list[dict[str, Any]],
}
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Refused(msgspec.Struct, frozen=True):
    """An event that was not accepted: its number from 0, a reason as in dead letters, and what to mend."""

    index: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Body:
    """The events of a body as bytes, and what its headers say of each; `is_one` where it is one event, no list."""

    payloads: Sequence[bytes]
    attributes: Mapping[str, bytes]
    is_one: bool


@dataclass(slots=True)
class Events:
    """What was read of a body: events in order, and those that were refused."""

    accepted: list[Interaction] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def divide(body: bytes, headers: Iterable[tuple[str, bytes]]) -> Body:
    """Divide a body into events, by its Content-Type; raises Problem where that cannot be done."""
    # The binding for HTTP encodes what a header cannot hold; a header of ours never has a per cent sign.
    attributes = attributes_in((name, unquote_to_bytes(value)) for name, value in headers)
    media_type = attributes.get("content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    body = body.removeprefix(BYTE_ORDER_MARK)
    if media_type in JSON_LINES:
        return _limited([line for line in body.split(b"\n") if line.strip()], {})
    if media_type == BATCH:
        return _limited(_elements(body), {"content-type": STRUCTURED.encode()})
    if media_type == "application/json" and len(attributes) == 1 and body.lstrip()[:1] == b"[":
        return _limited(_elements(body), {})
    if media_type in (STRUCTURED, "application/json"):
        return Body([body], attributes, is_one=True)
    raise Problem(
        415,
        "The body is of a type that is not read",
        f"the Content-Type is {media_type or 'not given'!r}",
        remedy=f"send application/json, {JSON_LINES[0]}, {STRUCTURED} or {BATCH}",
    )


async def read_events(body: Body, asked: Asked, now_ms: int, user_id: str | None) -> Events:
    """Read each event; what has no id gets one, and what has no time gets now.

    Where the caller acts for one user, the others' events are refused.
    """
    found = Events()
    for index, payload in enumerate(body.payloads):
        if index % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
        event_id = asked.event_id(None if body.is_one else index)
        try:
            event = _read(payload, body.attributes, event_id, now_ms)
            if user_id is not None and event.user_id != user_id:
                raise InvalidEvent("not_your_event", "the event is of another user than the token: ask for that one's")
        except InvalidEvent as error:
            found.refused.append(Refused(index, error.reason, str(error)[:500]))
        else:
            found.accepted.append(event)
    return found


def _read(payload: bytes, attributes: Mapping[str, bytes], event_id: str, now_ms: int) -> Interaction:
    check_size(payload, Interaction)
    given = dict(attributes)
    if not given.get("content-type", b"").startswith(STRUCTURED.encode()):
        # An event without an envelope is read as one whose envelope has only an id.
        given = {"specversion": b"1.0", "id": event_id.encode()} | given
    record = Record(INTERACTIONS.name, 0, 0, now_ms, None, payload)
    event = read_event(payload, given, record, Interaction)
    note_unknown_fields(record, Interaction)
    return event


def _elements(body: bytes) -> list[bytes]:
    try:
        return [bytes(each) for each in _array.decode(body)]
    except UNREADABLE as error:
        raise Problem(422, "The body is no list of events", fault_of(error, whole="the body")) from None


def _limited(payloads: Sequence[bytes], attributes: Mapping[str, bytes]) -> Body:
    if len(payloads) > EVENTS_LIMIT:
        raise Problem(
            413, "There are too many events", f"the body has {len(payloads):,}: send at most {EVENTS_LIMIT:,} at a time"
        )
    return Body(payloads, attributes, is_one=False)
