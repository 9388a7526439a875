"""What an explanation says: values only, each with its evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from features.item import Item
from features.recommendation import ReasonCode, RecommendedItem, Source

#: What keeps an item from being a candidate at all.
#:
#: Without a row in the catalogue: `not_in_catalogue`, `deleted`, `not_described` (only moderation was said of it),
#: `not_read_yet` (stored, but not in the replica). With one: `hidden_item`, `held_item`, `out_of_stock`, `expired`,
#: `unavailable` (one of the former, it is not known which), `excluded` (a rule of the shop), `own`, `never` (a dial),
#: `refused`, `seen`.
ObstacleCode: TypeAlias = Literal[
    "not_in_catalogue",
    "deleted",
    "not_described",
    "not_read_yet",
    "hidden_item",
    "held_item",
    "out_of_stock",
    "expired",
    "unavailable",
    "excluded",
    "own",
    "never",
    "refused",
    "seen",
]
#: Why a source does not propose an item; `proposed` if it does. `no_interests`, `nothing_chosen`: it has nothing to go
#: out from. `no_picture`, `other_encoder` (its vectors are of another encoder or length): its looks are not known.
#: `less_similar`, `lower_rank`: others come first. `no_neighbour`: it is none of the latest items'.
#: `turned_off`: a setting leaves the source out. `steps_unknown`: what users chose lately is turned off, or was not
#: read. `no_visit`: nobody else chose one of the latest items lately. `not_around`: nobody who did chose it around
#: that. `weaker`: the source proposes others with more strength. `no_factors`: no latent factors are set, or none could
#: be read. `no_factor`: the item has none, since it is newer than they are, or nobody chose it, and its look and words
#: give none. `no_choice_known`: none of the user's items has.
#: `no_model`: no sequence model is set, or it could not be read. `unknown_to_model`: it knows neither id, nor category,
#: nor picture of the item.
#: `no_companion`: its category is not among those that users choose together with an interest's. `not_compared`: it is,
#: and has too many items to compare each.
#: `no_engagement`: it has no rank. `same_picture`: another item with its picture is proposed. `left_out`: by the user's
#: arm of an experiment. `no_promotion`: no rule of the shop that holds now promotes it. `seen_enough`: each rule that
#: does has a cap by user and day, and the user saw as many of its items today. `not_proposed`: no more is known.
AnswerCode: TypeAlias = Literal[
    "proposed",
    "no_interests",
    "nothing_chosen",
    "no_picture",
    "other_encoder",
    "less_similar",
    "lower_rank",
    "no_neighbour",
    "turned_off",
    "steps_unknown",
    "no_visit",
    "not_around",
    "weaker",
    "no_factors",
    "no_factor",
    "no_choice_known",
    "no_model",
    "unknown_to_model",
    "no_companion",
    "not_compared",
    "no_engagement",
    "left_out",
    "same_picture",
    "no_promotion",
    "seen_enough",
    "not_proposed",
]
#: `in_list`; else the first of these that applies: `not_a_candidate` (an obstacle), `copy` (a slot has its picture),
#: `not_proposed` (by no source), `no_promotion_slot` (only the shop proposes it, and the promotion's slots went to
#: others, it has the picture of another slot, or its source says `seen_enough`), `capped` (its score is enough, but the
#: list has as many of its category or owner as it may), `diversity` (its score is enough, but it repeats a slot),
#: `below_last_slot`.
Verdict: TypeAlias = Literal[
    "in_list",
    "not_a_candidate",
    "copy",
    "not_proposed",
    "no_promotion_slot",
    "capped",
    "diversity",
    "below_last_slot",
]


@dataclass(frozen=True, slots=True)
class Subject:
    """The item that is asked about, and what is stored of it; None where nothing is."""

    item_id: str
    stored: Item | None


@dataclass(frozen=True, slots=True)
class SignalPart:
    """A signal of an item: its `value`, what it `adds` to the score, and this as a `share` of what the ranker says.

    That is the score before likeness to items that were turned down lowers it. Only scores above 0 have shares. The
    part `promoted` is a boost of the shop, by the `rule` of this name: the ranker does not say it, so it has no share.
    """

    code: ReasonCode
    value: float
    adds: float
    share: float | None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """The signals of an item that are not 0, the strongest first; `others` is all else that the score has.

    That is what likeness to refused items, and to items that were passed over, takes away, and what the ranker adds
    that belongs to no signal.
    """

    score: float
    signals: Sequence[SignalPart]
    others: float


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot, from 1, with all sources that propose its item."""

    slot: int
    item: RecommendedItem
    proposed_by: Sequence[Source]
    score: Score


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps an item out. `at_ms` is when it expired; `named_by` is what a dial names it by, `name` which category.

    Of an item that the shop excludes, `name` is the rule.
    `long_ago` says that only a fingerprint is left of it, which may be another item's.
    """

    code: ObstacleCode
    at_ms: int | None = None
    named_by: str | None = None
    name: str | None = None
    long_ago: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a source says of an item, and how many items it proposes.

    `similarity` is the item's to the nearest interest. `strength` is what the source gives it, 0 to 1: by the votes of
    other visitors, by how well it suits the user, how likely it is next, or how well it goes with an interest.
    `weakest` is the least of a proposed item, by looks of what the nearest interest proposes; `rank` is from 1; `known`
    of the `latest` items have neighbours, or visits by others; `item_id` is proposed in its place. The user saw `seen`
    items of the `rule` today.
    """

    source: Source
    code: AnswerCode
    proposals: int
    similarity: float | None = None
    strength: float | None = None
    weakest: float | None = None
    rank: int | None = None
    latest: int | None = None
    known: int | None = None
    item_id: str | None = None
    rule: str | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """The slot, from 1, that an item repeats most, and what this `costs` it; None: it is a copy of the slot's item."""

    slot: int
    item_id: str
    similarity: float
    costs: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate that has no slot: its `rank` by score, from 1, among `candidates`, of which the best are `compared`.

    `last` is the last slot that was filled by score.
    """

    rank: int
    candidates: int
    compared: int
    score: Score
    last: Slot


@dataclass(frozen=True, slots=True)
class ItemExplanation:
    """Why one item is in the list, or is not; `slot` is from 1. An item without a row has no `sources`."""

    item_id: str
    verdict: Verdict
    slot: int | None = None
    obstacles: Sequence[Obstacle] = ()
    sources: Sequence[Answer] = ()
    repeats: Likeness | None = None
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The list that would be made now, and what it says of the item that was asked about, if one was.

    A user is `known` by interactions or dials. `candidates` were ranked, `filtered` counts what the filters took out
    and what likeness to refused items pushed out. `arm` is the user's while an experiment runs.
    """

    known: bool
    opted_out: bool
    model: Mapping[str, str]
    slots: Sequence[Slot]
    candidates: int
    filtered: Mapping[str, int]
    item: ItemExplanation | None
    arm: str | None = None
