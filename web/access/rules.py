"""What each route needs: who may use it, how large its body may be, and whether it stays open.

This is the one place that says so. A route that is not here does not exist for callers; a test compares the table with
the app's routes.
"""

from dataclasses import dataclass
from typing import Final

from features.vision.clips import containers
from features.vision.formats import MAX_BYTES
from streams.web_door.keys import KeyScope
from web.media_types import BATCH, JSON_LINES


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes that a body may have, and the seconds in which all of it must be here."""

    limit: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route needs.

    `scope` is that of the key, or None where nobody needs one. `user`: a user's token does, too, and where the path
    names a user, only that user's. `stream`: answers may stay open, so they are counted, and the token may be in the
    address. `by_type` has the bodies of media types that begin so; `body` is that of all others.
    """

    scope: KeyScope | None
    user: bool = False
    stream: bool = False
    body: Body = Body(64 * 1024, 10)
    by_type: tuple[tuple[str, Body], ...] = ()

    def body_of(self, media_type: str) -> Body:
        """The limits of a body of this media type."""
        return next((body for start, body in self.by_type if media_type.startswith(start)), self.body)


_EVENT: Final = Body(1 << 20, 10)
_BATCH: Final = Body(16 << 20, 60)
#: The fields of a form, beside its picture.
_FIELDS: Final = 64 * 1024
_PICTURE: Final = Body(MAX_BYTES + _FIELDS, 120)
_CLIP: Final = Body(containers.MAX_BYTES + _FIELDS, 300)
#: A picture as base64 in JSON.
_PICTURE_IN_JSON: Final = Body(MAX_BYTES * 4 // 3 + _FIELDS, 120)

_PUBLIC: Final = Rule(None)
_READ: Final = Rule("read", user=True)
_OWN: Final = Rule("admin", user=True)
_STREAM: Final = Rule("read", user=True, stream=True)

#: By method and path as the app has it. A parameter `{user_id}` is the user whom the request is about.
RULES: Final[dict[str, Rule]] = {
    "GET /": _PUBLIC,
    "GET /page/{version}/{name:path}": _PUBLIC,
    "GET /openapi.json": _PUBLIC,
    "GET /healthz": _PUBLIC,
    "GET /readyz": _PUBLIC,
    "GET /metrics": Rule("admin"),
    "GET /v1/operations": Rule("admin"),
    "GET /v1/users/{user_id}": _READ,
    "GET /v1/users/{user_id}/recommendations": _READ,
    "GET /v1/users/{user_id}/recommendations/stream": _STREAM,
    "GET /v1/users/{user_id}/explain": _READ,
    "GET /v1/users/{user_id}/explain/{item_id}": _READ,
    "POST /v1/users/{user_id}/forget": _OWN,
    "POST /v1/users/{user_id}/export": _OWN,
    "POST /v1/users/{user_id}/reset": _OWN,
    "POST /v1/users/{user_id}/opt-out": _OWN,
    "POST /v1/users/{user_id}/opt-in": _OWN,
    "POST /v1/users/{user_id}/prefer": _OWN,
    "GET /v1/users/{user_id}/receipts/{request_id}": Rule("admin", user=True, stream=True),
    "POST /v1/users/{user_id}/token": Rule("read"),
    "POST /v1/events": Rule(
        "publish",
        user=True,
        body=_EVENT,
        by_type=tuple((media_type, _BATCH) for media_type in (*JSON_LINES, BATCH)),
    ),
    "GET /v1/items": _READ,
    "GET /v1/items/{item_id}": _READ,
    "PATCH /v1/items/{item_id}": Rule("publish", body=_EVENT),
    "DELETE /v1/items/{item_id}": Rule("publish"),
    "GET /v1/items/{item_id}/picture": _READ,
    "PUT /v1/items/{item_id}/picture": Rule(
        "publish", user=True, body=_PICTURE, by_type=(("video/", _CLIP), ("multipart/", _CLIP))
    ),
    "GET /v1/items/{item_id}/stages": _STREAM,
    "GET /v1/items/{item_id}/similar": _READ,
    "POST /v1/similar": Rule("read", user=True, body=_PICTURE_IN_JSON, by_type=(("image/", _PICTURE),)),
    "GET /v1/search": _READ,
    "GET /v1/trends": _READ,
}
