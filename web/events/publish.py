"""POST /v1/events: what users do, to the topic of interactions."""

import time
from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State

from web.access.caller import caller_of
from web.documented import answer, takes
from web.events.bodies import BODIES, Events, Refused, divide, read_events
from web.parts import FromParts
from web.problems import Problem
from web.publishing.asked import HOW, Asked


class Accepted(msgspec.Struct, kw_only=True):
    """How many events Kafka has, or, with 202, how many are queued for it; their ids, and what was refused."""

    accepted: int
    event_ids: list[str]
    refused: list[Refused]


@post(
    "/v1/events",
    status_code=200,
    summary="What users do: one event, or many",
    responses={202: answer(Accepted, "Queued, as `Prefer: respond-async` asks")},
    operation_class=takes(BODIES, optional=("event_id", "occurred_at_ms"), headers=HOW),
    request_max_body_size=None,
)
async def publish(request: Request[Any, Any, State], parts: FromParts) -> Response[Accepted]:
    """Publish interactions: one as JSON, many as a JSON array or JSON lines, CloudEvents of every kind.

    200 says that Kafka has the events. With `Prefer: respond-async` 202 says that they are queued in this process,
    which sends them until Kafka takes them; only if it is killed they are lost. `Idempotency-Key` becomes the id of an
    event that has none, in a list `<key>-<number>`: the same id again changes nothing. Of a list, each event is
    accepted or refused for itself.
    """
    asked = Asked.of(request.headers)
    body = divide(await request.body(), ((name.decode("latin-1"), value) for name, value in request.scope["headers"]))
    found = await read_events(body, asked, time.time_ns() // 1_000_000, caller_of(request.scope).user)
    if body.is_one and found.refused:
        raise _refusal(found)
    if found.accepted:
        await parts.inlet.publish(found.accepted, later=asked.later, trace=request.headers.get("traceparent"))
    ids = [event.event_id for event in found.accepted]
    return Response(Accepted(accepted=len(ids), event_ids=ids, refused=found.refused), status_code=asked.status)


def _refusal(found: Events) -> Problem:
    (refused,) = found.refused
    if refused.reason == "not_your_event":
        return Problem(403, "The event is another user's", refused.detail, reason=refused.reason)
    if refused.reason == "too_large":
        return Problem(413, "The event is too large", refused.detail, reason=refused.reason)
    return Problem(422, "The event cannot be used", refused.detail, reason=refused.reason)
