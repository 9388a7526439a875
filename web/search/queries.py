"""The searches that workers answer: GET /v1/search by words, POST /v1/similar by a picture, words or both."""

import time
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, get, post
from litestar.params import QueryParameter
from msgspec.structs import replace

from sightline_client.errors import InvalidEvent
from sightline_client.events import WORDS_LIMIT, Base64, Box, Boxes, Only, Salient, Upload, Weights, Words
from sightline_client.faults import fault_of
from sightline_client.parsing import UNREADABLE, from_fields
from web.documented import takes
from web.parameters import Count, FromLimits, Similarity
from web.parts import FromParts
from web.problems import Problem
from web.search.asking import Found, ask

#: Stands in a query until the asker has an id.
_NOBODY: Final = "nobody"


class SimilarQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for: a picture (JPEG, PNG, WebP, …) or its key in the object store, English words, or both.

    Of a picture all counts, a `box`, up to 8 `boxes`, or with `salient` as `box` the parts in which things lie.
    """

    image: Base64 | None = None
    image_ref: str | None = None
    text: Words | None = None
    box: Box | Salient | None = None
    boxes: Boxes | None = None
    by: Weights | None = None
    only: Only | None = None
    count: int | None = None


@get("/v1/search", summary="Items that fit some words")
async def search(
    q: Annotated[str, QueryParameter(min_length=1, max_length=WORDS_LIMIT, description="English words")],
    parts: FromParts,
    limits: FromLimits,
    count: Count = None,
    min_similarity: Similarity = None,
) -> Found:
    """Find what fits the words, the best first: what is less like them than `min_similarity` (0.35) is left out."""
    return await ask(parts, _query({"text": q, "count": count, "only": _only(limits, min_similarity)}))


@post(
    "/v1/similar",
    status_code=200,
    summary="Items that look like a picture, fit some words, or both",
    operation_class=takes({"application/json": SimilarQuery, "image/*": bytes}),
)
async def similar(
    request: Request[Any, Any, Any],
    parts: FromParts,
    limits: FromLimits,
    text: Annotated[str | None, QueryParameter(max_length=WORDS_LIMIT)] = None,
    count: Count = None,
    min_similarity: Similarity = None,
) -> Found:
    """Find what is like the body: JSON (`SimilarQuery`), or the bytes of a picture with the rest in the URL."""
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("image/"):
        return await ask(parts, _query(msgspec.structs.asdict(_read(body))))
    only = _only(limits, min_similarity)
    return await ask(parts, _query({"image": body, "text": text, "count": count, "only": only}))


def _only(limits: Only, min_similarity: float | None) -> Only | None:
    only = replace(limits, min_similarity=min_similarity)
    return None if only == Only() else only


def _read(body: bytes) -> SimilarQuery:
    try:
        return msgspec.json.decode(body, type=SimilarQuery)
    except UNREADABLE as error:
        fault = fault_of(error, whole="the query")
        detail = f"{fault}; the body is JSON as /openapi.json says, or a picture as image/jpeg"
        raise Problem(400, "The body is no query", detail) from None


def _query(asked: dict[str, Any]) -> Upload:
    """The event that asks; raises Problem where it breaks a rule of queries."""
    ids = {"event_id": _NOBODY, "user_id": _NOBODY, "item_id": _NOBODY, "purpose": "query"}
    said = {name: value for name, value in asked.items() if value is not None}
    at = {"occurred_at_ms": time.time_ns() // 1_000_000}
    try:
        return from_fields(msgspec.to_builtins(ids | at | said), Upload)
    except InvalidEvent as error:
        raise Problem(422, "The query cannot be asked", str(error), reason=error.reason) from None
