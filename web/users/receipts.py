"""GET /v1/users/{id}/receipts/{request}: whether a request of a user was carried out, and what it erased."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from litestar import MediaType, Request, get
from litestar.datastructures import State
from litestar.params import PathParameter, QueryParameter
from litestar.response.base import ASGIResponse
from msgspec import UNSET, UnsetType

from features.item import hash_of
from sightline_client.privacy import Export, PlaceInLog, Receipt
from web.documented import answer
from web.event_streams import HEARTBEAT, HEARTBEAT_S, EventStream, event
from web.ids import UserId
from web.parts import FromParts, Parts
from web.problems import Problem

#: The longest wait for a receipt, in one request and as a stream.
WAIT_S: Final = 30.0
PATIENCE_S: Final = 60.0
_encode: Final = msgspec.json.Encoder().encode
RequestId = Annotated[str, PathParameter(pattern=r"^\d{1,6}-\d{1,18}$", description="As the request was answered")]
Wait = Annotated[float, QueryParameter(ge=0, le=WAIT_S, description="Seconds to wait for the receipt")]


class UserReceipt(Receipt, frozen=True, kw_only=True):
    """The receipt of a request; that of an export has the export, whole."""

    export: Export | UnsetType = UNSET


@get(
    "/v1/users/{user_id:str}/receipts/{request_id:str}",
    summary="The receipt of what a user asked",
    media_type=MediaType.JSON,
    responses={200: answer(UserReceipt, "It was carried out")},
)
async def receipt(
    request: Request[Any, Any, State], user: UserId, request_id: RequestId, parts: FromParts, wait: Wait = 0.0
) -> ASGIResponse:
    """Give the receipt, at once or within `wait` seconds; 404 before, and for the request of another user.

    With `Accept: text/event-stream` it comes as the event `receipt`; after a minute without it, `waiting`.
    """
    partition, _, offset = request_id.partition("-")
    place = PlaceInLog(int(partition), int(offset))
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventStream(_follow(parts, user, place))
    found = await find_receipt(parts, user, place, wait)
    if found is None:
        raise Problem(
            404,
            "There is no receipt yet",
            f"request {request_id} of user {user!r} was not carried out yet, is not this user's, or is of long ago. "
            "Ask again, or wait for it with `wait`",
            headers={"Retry-After": "1"},
        )
    return ASGIResponse(body=_encode(found), media_type=MediaType.JSON)


async def find_receipt(parts: Parts, user: str, place: PlaceInLog, within_s: float) -> UserReceipt | None:
    """The receipt of a user's request, with the export if it asked for one; None where it does not come in time."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + within_s
    found = await parts.tail.receipts.wait(place, within_s)
    if found is None or found.user_hash != hash_of(parts.inlet.known_as(user)):
        return None
    made = UserReceipt(**msgspec.structs.asdict(found))
    if found.type != "export":
        return made
    export = await parts.tail.exports.wait(place, max(deadline_s - loop.time(), 0.0))
    return None if export is None else msgspec.structs.replace(made, export=export)


async def _follow(parts: Parts, user: str, place: PlaceInLog) -> AsyncIterator[bytes]:
    for _ in range(round(PATIENCE_S / HEARTBEAT_S)):
        found = await find_receipt(parts, user, place, HEARTBEAT_S)
        if found is not None:
            yield event("receipt", _encode(found))
            return
        yield HEARTBEAT
    yield event("waiting", _encode({"ms": int(PATIENCE_S * 1000)}))
