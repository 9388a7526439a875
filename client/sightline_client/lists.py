"""What feed services read: a user's list, each slot with the evidence for it."""

from typing import Literal, TypeAlias

import msgspec

from sightline_client.events import Box

#: The name of a candidate source. Not a Literal: readers of lists accept sources that later versions add.
Source: TypeAlias = str
ReasonCode: TypeAlias = Literal[
    "looks_like",
    "chosen_after",
    "chosen_by_similar",
    "suits_taste",
    "likely_next",
    "goes_with",
    "same_category",
    "same_colour",
    "same_attribute",
    "same_tag",
    "within_budget",
    "trending",
    "popular",
    "new",
    "you_asked",
    "promoted",
]


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Why an item stands in the list, with the evidence for it.

    `looks_like` gives the user's item and the cosine `similarity` (no item: the picture or the words that were sent;
    where a query says `by` what to compare, or has words, `by` has the similarity by each, and `similarity` is their
    mean); `chosen_after` the user's item and the `strength` (0 to 1) with which users choose both together;
    `chosen_by_similar` the user's item by which most of those came who chose this one in a session like the user's;
    `suits_taste` the user's item that says most for this one by the choices of all users, or, if few chose this one, by
    their choices of items that look or read like it, and how well it suits (0 to 1); `likely_next` the user's latest
    item, and how likely this one is next, against the likeliest (0 to 1);
    `goes_with` the user's item of another category whose look this one has, and the `strength` (0 to 1);
    `same_category` the category and its share of what the user engaged with; `same_colour` the colour, and how much of
    the item and of what the user engaged with has such colours (0 to 1); `same_attribute` the `attribute`
    with its `value` of which the user chose most, and the strength by all that both share (0 to 1); `same_tag` the
    `tag` that the picture shows and of which the user chose most, and the strength likewise; `within_budget` the
    `price` and `currency` that the user's items have in the middle, and how near this item's is (0 to 1); `trending`
    and `popular` the strength against the strongest item, of `trending` at least against one click of now;
    `new` the age; `you_asked` the category, or the item itself, that the user asked for more of (neither: its owner,
    whom lists do not name), with the dial's weight as `strength`; `promoted`, the first if there are others, that the
    shop decided this slot, by the `rule` of this name: a slot of a promotion, or a boost of this `strength` without
    which the item would be further down or not in the list.
    """

    code: ReasonCode
    item_id: str | None = None
    similarity: float | None = None
    category: str | None = None
    colour: str | None = None
    strength: float | None = None
    age_ms: int | None = None
    by: dict[str, float] | None = None
    attribute: str | None = None
    value: str | None = None
    tag: str | None = None
    price: float | None = None
    currency: str | None = None
    rule: str | None = None


class RecommendedItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One slot. `explore` marks one that a new item was given, to learn of it; `reasons` have the strongest first.

    `source` names the candidate source that is credited with the item, such as `visual`, `neighbours`, `sessions`,
    `factors`, `sequence`, `cross`, `trending`, `fresh` or `popular`, or `promoted` for a slot that the shop gave to a
    promotion; a later version may add others.
    """

    item_id: str
    score: float
    source: Source
    explore: bool
    reasons: list[Reason]


class Region(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A part of a query's picture, and the items that are like it; without a `box` it is the whole picture.

    A box that cannot be looked at, as it has too few pixels or shows nothing, has no items, and `refused` says why.
    """

    items: list[RecommendedItem]
    box: Box | None = None
    refused: str | None = None


class Trigger(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The event that a recommendation answers."""

    event_id: str
    type: str
    item_id: str
    occurred_at_ms: int


class ExperimentArm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The experiment by which a list was made, and the user's arm of it."""

    name: str
    arm: str


class Recommendations(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A user's refreshed list (topic recommendations, key user_id); `seq` grows per user and kind.

    A feed has its `experiment` while one runs, other lists have none. The answer to a query about parts of its picture
    has each of them in `regions`, in the order of the query's boxes or with the most salient first; its `items` are the
    best of all. Where no box can be looked at, there is no answer: the query is refused.
    """

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
    experiment: ExperimentArm | None = None
    regions: list[Region] | None = None
