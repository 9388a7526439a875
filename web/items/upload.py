"""PUT /v1/items/{id}/picture: a picture or clip on its way to an uploads worker."""

from typing import Any
from urllib.parse import quote

import msgspec
from litestar import Request, put
from litestar.datastructures import State

from streams.kafka.publisher import Place
from web.access.caller import caller_of
from web.documented import takes
from web.ids import ItemId
from web.items.uploading import FORM, make_upload, read_upload, with_file
from web.parts import FromParts, Parts
from web.problems import Problem
from web.publishing.asked import KEY, Asked


class Uploaded(msgspec.Struct, frozen=True):
    """Kafka has the upload; `stages` is the address that says what becomes of it."""

    item_id: str
    event_id: str
    stages: str


@put(
    "/v1/items/{item_id:str}/picture",
    status_code=202,
    summary="Upload the picture or clip of an item",
    operation_class=takes({"image/*": bytes, "video/*": bytes, "multipart/form-data": FORM}, headers=[KEY]),
    request_max_body_size=None,
)
async def upload(request: Request[Any, Any, State], item: ItemId, parts: FromParts) -> Uploaded:
    """Take a picture (JPEG, PNG, WebP, GIF, HEIC, AVIF) or clip (MP4, WebM), raw or as `picture` of a form.

    `title`, `description`, `category`, `price`, `currency` and `user_id` stand in the form or in the address. The file
    is looked at later: its stages say whether it can be recommended.
    """
    asked, user = Asked.of(request.headers), caller_of(request.scope).user
    given = await read_upload(request, parts.incoming)
    event = make_upload(given, item, asked.event_id(), user)
    if user is not None:
        await _check_owner(parts, item, user)
    event = await with_file(event, given.data, parts.incoming)
    place = await parts.inlet.place(event, trace=request.headers.get("traceparent"))
    return Uploaded(item, event.event_id, _stages(item, event.event_id, place))


async def _check_owner(parts: Parts, item_id: str, user_id: str) -> None:
    """Raise Problem where a user would take over an item that is there and not her own."""
    known = (await parts.signals.items([item_id])).get(item_id)
    if known is not None and known.is_closed_to(parts.inlet.known_as(user_id)):
        raise Problem(
            403, "The item is not yours", f"item {item_id!r} belongs to another user, or to none: choose another id"
        )


def _stages(item_id: str, event_id: str, place: Place) -> str:
    item, event = quote(item_id, safe=""), quote(event_id, safe="")
    where = f"at={place.partition}-{place.offset}&since={place.at_ms}"
    return f"/v1/items/{item}/stages?event_id={event}&{where}"
