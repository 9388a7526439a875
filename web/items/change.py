"""PATCH and DELETE /v1/items/{id}: what apps say of an item without a picture."""

import time
from typing import Any, Final

import msgspec
from litestar import Request, Response, delete, patch
from litestar.datastructures import State

from sightline_client.errors import InvalidEvent
from sightline_client.events import ItemChange
from sightline_client.parsing import check_size, decode_fields, from_fields
from streams.processing.unknown_fields import check_says, note_unknown_fields
from streams.wire.records import Record
from streams.wire.topics import ITEMS
from web.documented import answer, takes
from web.ids import ItemId
from web.parts import FromParts
from web.problems import Problem
from web.publishing.asked import HOW, Asked


class Changed(msgspec.Struct, frozen=True):
    """The id of the event that says the change."""

    event_id: str


_MADE_HERE: Final = ("event_id", "occurred_at_ms", "item_id")
_QUEUED: Final = {202: answer(Changed, "Queued, as `Prefer: respond-async` asks")}


@patch(
    "/v1/items/{item_id:str}",
    status_code=200,
    summary="Change what is known of an item",
    responses=_QUEUED,
    operation_class=takes({"application/json": ItemChange}, optional=_MADE_HERE, headers=HOW),
)
async def change(request: Request[Any, Any, State], item: ItemId, parts: FromParts) -> Response[Changed]:
    """Change the fields that the body has, and nothing else; null takes a value away (docs/schemas, ItemChange)."""
    asked = Asked.of(request.headers)
    try:
        event = read_change(await request.body(), item, asked)
    except InvalidEvent as error:
        raise Problem(422, "The change cannot be used", str(error), reason=error.reason) from None
    return await _publish(request, parts, event, asked)


@delete(
    "/v1/items/{item_id:str}",
    status_code=200,
    summary="Delete an item",
    responses=_QUEUED,
    operation_class=takes(headers=HOW),
)
async def remove(request: Request[Any, Any, State], item: ItemId, parts: FromParts) -> Response[Changed]:
    """Delete an item: it is in no list any more, and a later upload does not show it again."""
    asked = Asked.of(request.headers)
    event = ItemChange(event_id=asked.event_id(), occurred_at_ms=_now_ms(), item_id=item, deleted=True)
    return await _publish(request, parts, event, asked)


def read_change(body: bytes, item_id: str, asked: Asked) -> ItemChange:
    """The change that a body says of an item; raises InvalidEvent, also for one that says nothing."""
    check_size(body, ItemChange)
    fields = decode_fields(body)
    if fields.get("item_id", item_id) != item_id:
        raise InvalidEvent(
            "key_mismatch", f"`item_id` is {fields['item_id']!r:.200}, and the path is item {item_id!r}'s"
        )
    fields["item_id"] = item_id
    for name, value in (("event_id", asked.event_id()), ("occurred_at_ms", _now_ms())):
        if fields.get(name) is None:
            fields[name] = value
    event = from_fields(fields, ItemChange)
    check_says(event, fields)
    note_unknown_fields(Record(ITEMS.name, 0, 0, 0, None, body), ItemChange)
    return event


async def _publish(
    request: Request[Any, Any, State], parts: FromParts, event: ItemChange, asked: Asked
) -> Response[Changed]:
    await parts.inlet.publish([event], later=asked.later, trace=request.headers.get("traceparent"))
    return Response(Changed(event.event_id), status_code=asked.status)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
