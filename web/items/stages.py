"""GET /v1/items/{id}/stages: what becomes of an upload, as it happens."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from litestar import get
from litestar.params import QueryParameter

from features.item import Item
from state.errors import StateError
from web.event_streams import DOCUMENTED, HEARTBEAT, HEARTBEAT_S, EventStream, event
from web.ids import ItemId
from web.items.facts import is_searchable
from web.parts import FromParts, Parts
from web.tail.letters import Letter

#: The longest wait for what becomes of an upload.
PATIENCE_S: Final = 60.0
#: How often it is looked: at first, and once it takes longer than _SOON_S.
_LOOK_S, _LOOK_LATER_S, _SOON_S = 0.02, 0.25, 3.0
_encode: Final = msgspec.json.Encoder().encode
At = Annotated[str | None, QueryParameter(pattern=r"^\d{1,6}-\d{1,18}$", description="Where Kafka has the upload")]
Since = Annotated[int, QueryParameter(ge=0, le=2**62, description="When Kafka took the upload (Unix ms)")]


@dataclass(frozen=True, slots=True)
class AwaitedUpload:
    """The upload that is waited for. Without a place its dead letter is known by its id."""

    item_id: str
    event_id: str
    place: str | None
    since_ms: int

    def is_refused_by(self, letter: Letter) -> bool:
        """Whether a dead letter with the item's key is this upload's."""
        if self.place is not None:
            return letter.upload == self.place
        return letter.event_id == self.event_id


@get("/v1/items/{item_id:str}/stages", summary="What becomes of an upload", responses=DOCUMENTED)
async def stages(
    item: ItemId,
    parts: FromParts,
    event_id: Annotated[str, QueryParameter(min_length=1, max_length=128)],
    at: At = None,
    since: Since = 0,
) -> EventStream:
    """Send `accepted`, then `searchable` with the milliseconds it took, or `refused` with a reason and its error.

    After a minute without either, `waiting`: a worker is behind, or Triton is away, and the upload is not lost.
    """
    return EventStream(follow(parts, AwaitedUpload(item, event_id, at, since)))


async def follow(
    parts: Parts, upload: AwaitedUpload, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
) -> AsyncIterator[bytes]:
    """The stages as events; the stream ends with the last one."""
    yield event("accepted", b"{}")
    loop = asyncio.get_running_loop()
    start_s = beat_s = loop.time()
    if (ended := await _kept_out(parts, upload, only_deleted=True)) is not None:
        yield ended
        return
    while (now_s := loop.time()) < start_s + PATIENCE_S:
        letter = parts.tail.letters.get(upload.item_id)
        if letter is not None and upload.is_refused_by(letter):
            yield _refused(letter.reason, letter.error)
            return
        if _has_arrived(parts, upload):
            yield await _arrived(parts, upload, clock_ms)
            return
        if now_s > beat_s + HEARTBEAT_S:
            beat_s = now_s
            yield HEARTBEAT
        await asyncio.sleep(_LOOK_S if now_s < start_s + _SOON_S else _LOOK_LATER_S)
    yield event("waiting", _encode({"ms": int(PATIENCE_S * 1000)}))


def _has_arrived(parts: Parts, upload: AwaitedUpload) -> bool:
    """Whether the catalogue has the item with this picture, or a later one."""
    row = parts.catalog.row_of(upload.item_id)
    return row is not None and int(parts.catalog.uploaded_ms[row]) >= upload.since_ms


async def _arrived(parts: Parts, upload: AwaitedUpload, clock_ms: Callable[[], int]) -> bytes:
    kept_out = None if is_searchable(upload.item_id, parts.catalog) else await _kept_out(parts, upload)
    took_ms = max(clock_ms() - upload.since_ms, 0) if upload.since_ms else None
    return kept_out or event("searchable", _encode({"ms": took_ms}))


async def _kept_out(parts: Parts, upload: AwaitedUpload, *, only_deleted: bool = False) -> bytes | None:
    """Why an item can be in no list whatever its picture is, as far as Redis says."""
    try:
        item = (await parts.signals.items([upload.item_id])).get(upload.item_id)
    except StateError:
        return None
    found = None if item is None else _obstacle(item)
    return None if found is None or (only_deleted and found[0] != "deleted") else _refused(*found)


def _obstacle(item: Item) -> tuple[str, str] | None:
    if item.deleted:
        return "deleted", "the item was deleted; a change with `deleted` false lets it be uploaded again"
    if item.is_held:
        return "held", f"the picture waits for a person's yes: {', '.join(item.held)}"
    if item.hidden:
        return "hidden", "the item is hidden; a change with `hidden` false shows it"
    if not item.in_stock:
        return "out_of_stock", "the item is out of stock"
    return None


def _refused(reason: str, error: str) -> bytes:
    said: dict[str, Any] = {"reason": reason, "error": error}
    return event("refused", _encode(said))
