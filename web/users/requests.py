"""POST /v1/users/{id}/forget, export, reset, opt-out, opt-in and prefer: what users ask of us (docs/privacy.md)."""

import time
from typing import Any, Final
from urllib.parse import quote

import msgspec
from litestar import Request, post
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler

from sightline_client.events import PrivacyRequest
from sightline_client.faults import fault_of
from sightline_client.parsing import UNREADABLE
from sightline_client.privacy import Dials, RequestKind
from web.documented import takes
from web.ids import UserId
from web.parts import FromParts, Parts
from web.problems import Problem
from web.publishing.asked import KEY, Asked


class Requested(msgspec.Struct, frozen=True):
    """Kafka has the request, so it will be carried out; `receipt` is the address of what says that it was."""

    request_id: str
    receipt: str


class Wishes(msgspec.Struct, frozen=True):
    """The dials to be set, by a category, an item's id or its owner's: -1 is never, 0 takes a dial away, 1 is most."""

    prefer: Dials


_SUMMARIES: Final[dict[RequestKind, str]] = {
    "forget": "Erase what is kept of a user",
    "export": "Ask for everything that is kept of a user",
    "reset": "Let a user start over",
    "opt_out": "Erase a user's profile and keep none from now on",
    "opt_in": "Keep a profile of a user again",
}


def _route(kind: RequestKind) -> HTTPRouteHandler:
    path = kind.replace("_", "-")

    @post(
        f"/v1/users/{{user_id:str}}/{path}",
        status_code=202,
        summary=_SUMMARIES[kind],
        operation_id=kind,
        operation_class=takes(headers=[KEY]),
    )
    async def ask(request: Request[Any, Any, State], user: UserId, parts: FromParts) -> Requested:
        """Publish the request, and say where its receipt will be."""
        return await _publish(request, parts, user, kind)

    return ask


@post(
    "/v1/users/{user_id:str}/prefer",
    status_code=202,
    summary="Set a user's own dials",
    operation_class=takes({"application/json": Wishes}, headers=[KEY]),
)
async def prefer(request: Request[Any, Any, State], user: UserId, parts: FromParts) -> Requested:
    """Publish the wishes, and say where their receipt will be; other dials stay."""
    try:
        wishes = msgspec.json.decode(await request.body(), type=Wishes)
    except UNREADABLE as error:
        fault = fault_of(error, whole="the body")
        raise Problem(400, "The body has no wishes", f'{fault}: send {{"prefer": {{"shoes": 0.5}}}} as JSON') from None
    return await _publish(request, parts, user, "prefer", wishes.prefer)


#: One route for each kind of request.
REQUESTS: Final = [*map(_route, _SUMMARIES), prefer]


async def _publish(
    request: Request[Any, Any, State], parts: Parts, user: str, kind: RequestKind, dials: Dials | None = None
) -> Requested:
    event = PrivacyRequest(
        event_id=Asked.of(request.headers).event_id(),
        type=kind,
        user_id=user,
        occurred_at_ms=time.time_ns() // 1_000_000,
        prefer=dials,
    )
    place = await parts.inlet.place(event, trace=request.headers.get("traceparent"))
    request_id = f"{place.partition}-{place.offset}"
    return Requested(request_id, f"/v1/users/{quote(user, safe='')}/receipts/{request_id}")
