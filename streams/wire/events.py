"""The messages on every public topic, as they stand on the wire (JSON, UTF-8)."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from features.dials import DIALS_LIMIT
from features.privacy import RequestKind
from features.recommendation import RecommendedItem

IMAGE_LIMIT = 1024 * 1024

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
Text: TypeAlias = Annotated[str, Meta(max_length=4096)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=128)]
# A list repeats the time of its trigger, and consumers in other languages read 64-bit integers.
TimeMs: TypeAlias = Annotated[
    int, Meta(ge=-(2**63), le=2**63 - 1, description="Unix time in milliseconds, a 64-bit integer")
]
Dials: TypeAlias = Annotated[dict[Id, Annotated[float, Meta(ge=-1, le=1)]], Meta(min_length=1, max_length=DIALS_LIMIT)]
InteractionType: TypeAlias = Literal[
    "click", "view", "like", "save", "share", "purchase", "rate", "dislike", "hide", "upload"
]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event carries. An interaction whose `event_id` is among the user's last 32 changes nothing."""

    event_id: Id
    occurred_at_ms: TimeMs


class Interaction(Event, frozen=True, kw_only=True, gc=False):
    """A user did something with an item (topic events.interactions, key user_id).

    `rec_id` names the list in which the user saw the item: metrics count it, and nothing learns from it yet.
    `position`, `session_id` and `surface` are accepted and not used yet.
    """

    type: InteractionType
    user_id: Id
    item_id: Id
    session_id: Id | None = None
    dwell_ms: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    rating: Annotated[float, Meta(ge=1, le=5)] | None = None
    rec_id: Id | None = None
    position: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    surface: Name | None = None

    def __post_init__(self) -> None:
        if self.type == "rate" and self.rating is None:
            raise ValueError("an interaction of type 'rate' needs `rating`, 1 to 5")


class Only(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a picture query is limited to: items of this category, and of a price in these bounds in any currency."""

    category: Name | None = None
    min_price: Annotated[float, Meta(ge=0)] | None = None
    max_price: Annotated[float, Meta(ge=0)] | None = None


class Upload(Event, frozen=True, kw_only=True):
    """A new picture (topic events.uploads, key item_id; a query's key is user_id).

    Clips are not supported yet: an upload with `video_ref` is refused with the reason `video_unsupported`.
    """

    item_id: Id
    user_id: Id
    image: bytes | None = None
    image_ref: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    video_ref: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    purpose: Literal["catalog", "query"] = "catalog"
    title: Text | None = None
    description: Text | None = None
    category: Name | None = None
    price: Annotated[float, Meta(ge=0)] | None = None
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None
    in_stock: bool = True
    expires_at_ms: TimeMs | None = None
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    only: Only | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("image", "image_ref", "video_ref") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"an upload needs exactly one of image, image_ref, video_ref; it has {given or 'none'}")
        if self.image is not None and len(self.image) > IMAGE_LIMIT:
            raise ValueError(f"`image` is {len(self.image)} bytes; over {IMAGE_LIMIT} send an image_ref")
        if self.only is not None and self.purpose != "query":
            raise ValueError("`only` limits a query: set `purpose` to query, or leave it out")


class ItemChange(Event, frozen=True, kw_only=True):
    """A change to an item that needs no new embedding (topic events.items, key item_id)."""

    item_id: Id
    title: Text | None = None
    description: Text | None = None
    category: Name | None = None
    price: Annotated[float, Meta(ge=0)] | None = None
    in_stock: bool | None = None
    hidden: bool | None = None
    deleted: bool | None = None


class PrivacyRequest(Event, frozen=True, kw_only=True):
    """What a user asks of us about what is known of them (topic events.privacy, key user_id).

    A request of type `prefer` has the dials to be set, by the name of a category, an item's id or its owner's: -1 is
    never, 0 takes a dial away, 1 is as much more as there is. Requests of other types take no notice of them.
    """

    type: RequestKind
    user_id: Id
    prefer: Dials | None = None

    def __post_init__(self) -> None:
        _check_dials(self.type, self.prefer)


class Control(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A privacy request on its way to the user's profile, in the one order of events.interactions.

    Only the privacy agent may write it there (`streams.privacy.control_records`); `asked_ms` is the broker's time of
    the request.
    """

    type: RequestKind
    user_id: Id
    asked_ms: TimeMs
    prefer: Dials | None = None

    def __post_init__(self) -> None:
        _check_dials(self.type, self.prefer)


def _check_dials(kind: RequestKind, dials: dict[str, float] | None) -> None:
    if kind == "prefer" and dials is None:
        raise ValueError(f"a request of type 'prefer' needs `prefer`: 1 to {DIALS_LIMIT} names with weights, -1 to 1")


class Trigger(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The event that a recommendation answers."""

    event_id: str
    type: str
    item_id: str
    occurred_at_ms: int


class Recommendations(msgspec.Struct, frozen=True, kw_only=True):
    """A user's refreshed list (topic recommendations, key user_id); `seq` grows per user and kind."""

    rec_id: str
    user_id: str
    seq: int
    kind: Literal["feed", "similar"]
    generated_at_ms: int
    trigger: Trigger
    items: list[RecommendedItem]
    filtered: dict[str, int]
    degraded: list[str]
    model: dict[str, str]
    timings_ms: dict[str, float]


class PlaceInLog(msgspec.Struct, frozen=True):
    """Where a record lies."""

    partition: int
    offset: int


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A privacy request was carried out (topic privacy.receipts); it names the user by a hash, never by the id.

    `request` lies on events.privacy, `applied` on events.interactions, where everything before it is erased. `erased`
    counts what there was: engaged, refused and seen items, remembered event ids, lists, dials, and items no longer
    owned. `dials_set` counts what a `prefer` set; the dials that it took away, or that had to make room, are erased.
    """

    user_hash: str
    type: RequestKind
    request: PlaceInLog
    applied: PlaceInLog
    asked_ms: int
    done_ms: int
    erased: dict[str, int]
    dials_set: int = 0


class ExportedItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of a profile; one that left the catalogue is named by `#` and what is kept of its hash."""

    item_id: str
    weight: float
    at_ms: int


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """A user's profile, and the items that the user owns (topic privacy.exports).

    `dials` are by name, oldest first: of an owner, or of what is not in the catalogue, by `#` and the hash kept of it.
    """

    user_id: str
    request: PlaceInLog
    made_ms: int
    interactions: int
    last_at_ms: int | None
    opted_out: bool
    forgotten_ms: int | None
    engaged: list[ExportedItem]
    refused: list[ExportedItem]
    seen: list[str]
    owned: list[str]
    remembered_events: int
    dials: dict[str, float]


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A refused message with everything needed to look into it and to send it again."""

    reason: str
    error: str
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    attempts: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


encode = msgspec.json.Encoder().encode
