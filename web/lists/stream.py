"""GET /v1/users/{id}/recommendations/stream: the lists of a user as they are published."""

import re
from typing import Annotated

from litestar import get
from litestar.params import HeaderParameter

from web.event_streams import DOCUMENTED, EventStream
from web.ids import UserId
from web.parts import FromParts

#: Digits of the offsets that Kafka gives; Python does not read some thousand of them.
_SEQ = re.compile(r"[0-9]{1,19}")


@get(
    "/v1/users/{user_id:str}/recommendations/stream",
    summary="The lists of a user as they are published",
    responses=DOCUMENTED,
)
async def stream(
    user: UserId,
    parts: FromParts,
    last_event_id: Annotated[
        str | None, HeaderParameter(name="Last-Event-ID", description="The `id` of the last event that the reader has")
    ] = None,
) -> EventStream:
    """Send the newest list at once, then each new one; a slow reader gets the newest and misses those between."""
    has = int(last_event_id) if last_event_id and _SEQ.fullmatch(last_event_id) else -1
    return EventStream(parts.tail.lists.events(parts.inlet.known_as(user), after=has))
