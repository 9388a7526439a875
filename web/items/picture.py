"""GET /v1/items/{id}/picture: the kept picture of an item, with what lets browsers keep it."""

from typing import Annotated, Any, Final

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromQuery, QueryParameter

from streams.objects.errors import ObjectMissing
from web.documented import answer
from web.ids import ItemId
from web.items.facts import Size, shown_picture, version_of
from web.items.items import stored
from web.parts import FromParts
from web.pictures.shown import form_for
from web.problems import Problem

#: For the browser of who may see it alone: other caches do not know who may.
_FOR_EVER: Final = "private, max-age=31536000, immutable"
_ASK_AGAIN: Final = "private, no-cache"
Version = Annotated[
    str | None, QueryParameter(max_length=64, description="What the address of a picture has for its content")
]


@get(
    "/v1/items/{item_id:str}/picture",
    media_type="image/webp",
    summary="The picture of an item",
    responses={200: answer(bytes, "As WebP, or as JPEG", "image/*"), 304: answer(None, "The client has it (ETag)")},
)
async def picture(
    request: Request[Any, Any, State], item: ItemId, parts: FromParts, size: FromQuery[Size] = "full", v: Version = None
) -> Response[bytes]:
    """Give the picture as WebP, or as JPEG where `Accept` has none; 404 where none is kept, or it must not be seen."""
    kept = shown_picture(await stored(parts, item))
    if kept is None or parts.pictures is None:
        raise _missing(item)
    form = form_for(request.headers.get("accept"))
    tag = f'"{kept.sha256[:32]}-{size}-{form}"'
    headers = {
        "ETag": tag,
        "Cache-Control": _FOR_EVER if v == version_of(kept) else _ASK_AGAIN,
        "Vary": "Accept",
    }
    if _has(request.headers.get("if-none-match", ""), tag):
        return Response(b"", status_code=304, headers=headers)
    try:
        content = await parts.pictures.read(kept.key if size == "full" else kept.preview, form)
    except ObjectMissing:
        raise _missing(item) from None
    return Response(content, media_type=f"image/{form}", headers=headers)


def _has(known: str, tag: str) -> bool:
    """Whether a client has the picture already (RFC 9110, section 13.1.2)."""
    return known.strip() == "*" or tag in [each.strip().removeprefix("W/") for each in known.split(",")]


def _missing(item_id: str) -> Problem:
    return Problem(
        404,
        "There is no picture",
        f"no picture of item {item_id!r} can be shown: none is kept, or the item is hidden, held or deleted",
    )
