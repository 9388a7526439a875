"""What apps write: the four events, as they stand on the wire (JSON, UTF-8)."""

from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sightline_client.fields import Attributes, Currency, DurationMs, Id, Name, Price, Sha256, Text, TimeMs
from sightline_client.privacy import Dials, RequestKind, check_dials

#: What `dwell_ms` says of a view.
LOOK: Final = "Milliseconds that the user stayed on the page of the item; a view without it is an impression"
#: What `allowed` says of an item.
ALLOWED: Final = "Whether an item that the gate holds may be shown: a person's yes for the pictures uploaded before"
#: What `duration_ms` says of a view.
CLIP_LENGTH: Final = "Milliseconds that the clip takes which was watched: the share counts, `dwell_ms` of it"
#: Bytes of a picture or clip that is sent within its event.
IMAGE_LIMIT: Final = 1024 * 1024

#: By what an upload shows its item.
SHOWN_BY: Final = ("image", "image_ref", "video", "video_ref")

#: Items that the answer to a query may have, and that it may be asked to leave out.
ANSWER_LIMIT: Final = 200
EXCLUDED_LIMIT: Final = 500
#: Boxes of one picture that a query may ask about.
BOXES_LIMIT: Final = 8
#: Characters of the words of a query, of a search, or of a comment.
WORDS_LIMIT: Final = 1000

#: Bytes in JSON: base64 with padding, and without line breaks.
Base64: TypeAlias = Annotated[
    bytes,
    Meta(
        extra_json_schema={
            "pattern": "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
            # In some languages `$` also matches before a line break at the end.
            "not": {"pattern": "\\n"},
            "maxLength": (IMAGE_LIMIT + 2) // 3 * 4,
        }
    ),
]

#: By what a query compares: `look` is the network that sees things, `words` the vector of title and description, the
#: others are classic descriptors.
DescriptorName: TypeAlias = Literal["colour", "texture", "shape", "hash"]
ComparedBy: TypeAlias = Literal["look", "colour", "texture", "shape", "hash", "words"]
Weights: TypeAlias = Annotated[
    dict[ComparedBy, Annotated[float, Meta(gt=0, le=1)]],
    Meta(
        min_length=1,
        description="By what a query compares, with weights of any sum; without it by the network's look alone",
        extra_json_schema={"propertyNames": {"enum": [*get_args(ComparedBy)]}},
    ),
]

#: What is looked for, in English.
Words: TypeAlias = Annotated[str, Meta(min_length=1, max_length=WORDS_LIMIT, extra_json_schema={"pattern": "\\S"})]

InteractionType: TypeAlias = Literal[
    "click",
    "view",
    "like",
    "save",
    "share",
    "cart",
    "purchase",
    "comment",
    "rate",
    "dislike",
    "hide",
    "upload",
    "search",
]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What every event carries. An interaction whose `event_id` is among the user's last 2,048 changes nothing."""

    event_id: Id
    occurred_at_ms: TimeMs


class Interaction(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A user did something with an item, or searched (topic events.interactions, key user_id).

    A `view` without `dwell_ms` is an impression: the item was visible in a list and the user scrolled past. A `view`
    with `dwell_ms` is a look: the user stayed that long on the page of the item. Impressions mark items as seen and
    never outweigh what a user chose.

    `rec_id` names the list in which the user saw the item: metrics count it, and the ranker that learns allows for the
    slot.
    A `search` has the words as `text` and no item; it is counted and changes no profile. Of a `comment` the `text` is
    not read: it counts as attention, like a click. A `cart` or `purchase` may say the whole `amount` in a `currency`,
    and the `quantity`.
    The `amount` of a purchase counts when the arms of an experiment are compared, and changes no list. `quantity`,
    `text`, `position`, `session_id` and `surface` are accepted and not used yet.
    """

    type: InteractionType
    user_id: Id
    #: Empty for a `search` alone.
    item_id: Id = ""
    session_id: Id | None = None
    dwell_ms: Annotated[DurationMs, Meta(description=LOOK)] | None = None
    duration_ms: Annotated[DurationMs, Meta(description=CLIP_LENGTH)] | None = None
    rating: Annotated[float, Meta(ge=1, le=5)] | None = None
    rec_id: Id | None = None
    position: Annotated[int, Meta(ge=0, le=10_000)] | None = None
    surface: Name | None = None
    text: Annotated[str, Meta(min_length=1, max_length=WORDS_LIMIT)] | None = None
    amount: Price | None = None
    currency: Currency | None = None
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None

    def __post_init__(self) -> None:
        if self.type == "search" and (self.item_id or self.text is None):
            raise ValueError("an interaction of type 'search' needs `text`, the words, and has no `item_id`")
        if self.type != "search" and not self.item_id:
            raise ValueError(f"an interaction of type {self.type!r} needs `item_id`")
        if self.amount is not None and self.currency is None:
            raise ValueError("an `amount` needs its `currency`, such as EUR")
        if self.type == "rate" and self.rating is None:
            raise ValueError("an interaction of type 'rate' needs `rating`, 1 to 5")


class Only(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a query is limited to: items of this category, with all these attributes, of a price in these bounds in any
    currency, and with a picture that shows this readable `tag`, such as shirt or 衬衫.

    Items that are less like the picture than `min_similarity` are left out: by the cosine of the embeddings, or, in a
    query with `by`, by the mean of its similarities. A query by words alone that does not say it is answered with what
    fits the words (0.35 or more), any other one with whatever is nearest. The items in `exclude` and those that the
    asker uploaded are left out, too.
    """

    category: Name | None = None
    min_price: Annotated[float, Meta(ge=0)] | None = None
    max_price: Annotated[float, Meta(ge=0)] | None = None
    min_similarity: Annotated[float, Meta(ge=-1, le=1)] | None = None
    exclude: Annotated[tuple[Id, ...], Meta(max_length=EXCLUDED_LIMIT)] = ()
    attributes: Attributes | None = None
    tag: Name | None = None


class Box(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a picture, in shares of the upright picture's width and height, from its upper left corner."""

    x: Annotated[float, Meta(ge=0, lt=1)]
    y: Annotated[float, Meta(ge=0, lt=1)]
    width: Annotated[float, Meta(gt=0, le=1)]
    height: Annotated[float, Meta(gt=0, le=1)]

    def __post_init__(self) -> None:
        for name, start, length in (("x", self.x, self.width), ("y", self.y, self.height)):
            # What is computed from pixels may be off by a rounding. NaN is never within.
            if not (start >= 0 and length > 0 and start + length <= 1 + 1e-6):
                raise ValueError(
                    f"a box lies within the picture: `{name}` {start:g} and its length {length:g} must be within 0 to 1"
                )


#: The part of a picture in which its thing lies, as the network sees it.
Salient: TypeAlias = Literal["salient"]
SALIENT: Final = "salient"
Boxes: TypeAlias = Annotated[tuple[Box, ...], Meta(min_length=1, max_length=BOXES_LIMIT)]


class Upload(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A new picture or clip (topic events.uploads, key item_id; a query's key is user_id).

    The upload of an item that exists changes what it says and nothing else; null says nothing. It does not show an
    item again that was hidden or deleted (topic events.items).

    A query is answered by `count` items at most, or by as many as a list has. Instead of a picture, or together with
    one, it may have `text`: English words for what is looked for, with a letter or a digit.

    A clip (MP4, WebM or GIF) comes as `video`, or as `video_ref` where it is larger. A query may be about a `box` of
    its picture, or about several `boxes`; with `salient` as `box` it is about the parts in which the network sees
    things.

    With `as_owner` the upload is refused, as a dead letter `not_owner`, where the item is there and `user_id` did not
    upload it first: for publishers who pass on what users send.
    """

    item_id: Id
    user_id: Id
    image: Base64 | None = None
    image_ref: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    video: Base64 | None = None
    video_ref: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    purpose: Literal["catalog", "query"] = "catalog"
    title: Text | None = None
    description: Text | None = None
    category: Name | None = None
    price: Price | None = None
    currency: Currency | None = None
    in_stock: bool | None = None
    expires_at_ms: TimeMs | None = None
    sha256: Sha256 | None = None
    only: Only | None = None
    count: Annotated[int, Meta(ge=1, le=ANSWER_LIMIT)] | None = None
    by: Weights | None = None
    attributes: Attributes | None = None
    box: Box | Salient | None = None
    boxes: Boxes | None = None
    text: Words | None = None
    as_owner: bool = False

    @property
    def has_picture(self) -> bool:
        """Whether it brings a picture or a clip; else it is a query by words alone."""
        return any(getattr(self, name) is not None for name in SHOWN_BY)

    @property
    def is_about_parts(self) -> bool:
        """Whether it asks about parts of its picture."""
        return self.box is not None or self.boxes is not None

    def __post_init__(self) -> None:
        given = [name for name in SHOWN_BY if getattr(self, name) is not None]
        if len(given) != 1 and (given or self.purpose != "query" or self.text is None):
            raise ValueError(f"an upload needs exactly one of {', '.join(SHOWN_BY)}; it has {given or 'none'}")
        if self.image is not None and len(self.image) > IMAGE_LIMIT:
            raise ValueError(f"`image` is {len(self.image)} bytes; over {IMAGE_LIMIT} use fit_picture or an image_ref")
        if self.video is not None and len(self.video) > IMAGE_LIMIT:
            raise ValueError(f"`video` is {len(self.video)} bytes; over {IMAGE_LIMIT} use a video_ref")
        for name in ("only", "count", "by", "box", "boxes", "text"):
            if getattr(self, name) is not None and self.purpose != "query":
                raise ValueError(f"`{name}` is for a query: set `purpose` to query, or leave it out")
        if self.is_about_parts and (self.video is not None or self.video_ref is not None):
            raise ValueError("`box` is for a picture: leave it out, or send a picture of the clip")
        if self.box is not None and self.boxes is not None:
            raise ValueError("a query has one `box` or several `boxes`: leave one of them out")
        _check_words(self)


def _check_words(query: Upload) -> None:
    if query.text is not None and not query.text.strip():
        raise ValueError("`text` is blank: say in words what is looked for, or leave it out")
    if not query.has_picture and (query.is_about_parts or (query.by is not None and query.by.keys() != {"words"})):
        raise ValueError("a query without a picture compares by words alone: send one, or leave `by` and `box` out")
    if query.text is not None and query.by is not None and "words" not in query.by:
        raise ValueError("`by` does not name words, so `text` would count for nothing: name them, or leave it out")


class ItemChange(Event, frozen=True, kw_only=True):
    """A change to an item that brings no picture (topic events.items, key item_id); the item need not have one.

    It changes what it says and nothing else: null takes a value away. But null for `in_stock`, `hidden`, `deleted` or
    `allowed` takes nothing away, and says that its publisher writes null for all that it does not say; then no null of
    the event takes a value away. `attributes` are said as a whole: a key that is left out is gone, and {} takes all
    away. A record without a value deletes the item of its key.
    """

    item_id: Id
    title: Text | UnsetType | None = UNSET
    description: Text | UnsetType | None = UNSET
    category: Name | UnsetType | None = UNSET
    price: Price | UnsetType | None = UNSET
    currency: Currency | UnsetType | None = UNSET
    in_stock: bool | UnsetType | None = UNSET
    expires_at_ms: TimeMs | UnsetType | None = UNSET
    hidden: bool | UnsetType | None = UNSET
    deleted: bool | UnsetType | None = UNSET
    attributes: Attributes | UnsetType | None = UNSET
    allowed: Annotated[bool, Meta(description=ALLOWED)] | UnsetType | None = UNSET


class PrivacyRequest(Event, frozen=True, kw_only=True):
    """What a user asks of us about what is known of them (topic events.privacy, key user_id).

    A request of type `prefer` has the dials to be set, by the name of a category, an item's id or its owner's: -1 is
    never, 0 takes a dial away, 1 is as much more as there is. Requests of other types take no notice of them.
    """

    type: RequestKind
    user_id: Id
    prefer: Dials | None = None

    def __post_init__(self) -> None:
        check_dials(self.type, self.prefer)


AppEvent: TypeAlias = Interaction | Upload | ItemChange | PrivacyRequest

encode = msgspec.json.Encoder().encode
