"""What each rule of a shop takes in, and what a shop may not have meant."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.shop_rules.rules import AnyRule, Boost, Exclusion, Promotion, ShopRules
from inference.shop_rules.standing import find_standing


@dataclass(frozen=True, slots=True)
class Reach:
    """What a rule takes in: of the items that can be shown those that it is `named` for, and those that it `decides`.

    Others may be excluded, or have a boost that is stronger. None without a catalogue. A rule that does not hold now
    decides nothing.
    """

    name: str
    does: str
    holds: Literal["now", "later", "over"]
    named: int | None = None
    decides: int | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What the rules take in, one after the other: of `items` that can be shown `left` are not excluded."""

    reaches: Sequence[Reach]
    items: int | None
    left: int | None
    warnings: Sequence[str]


def survey(shop: ShopRules, catalog: Catalog | None, now_ms: int, *, length: int) -> Survey:
    """What the rules do now to lists of `length` slots; without a catalogue no item is counted."""
    if catalog is None:
        reaches = [Reach(rule.name, _does(rule), _holds(rule, now_ms)) for rule in shop.rules]
        return Survey(reaches, None, None, [*_of_time(reaches), *_of_slots(shop, length)])
    catalog.advance(now_ms)
    rows = np.flatnonzero(catalog.shown)
    marks = find_standing(shop, catalog, now_ms).marks(rows, catalog)
    excluded, boosted_by = marks.excluded_by[rows] > 0, marks.boosted_by[rows]
    reaches = []
    for number, rule in enumerate(shop.rules):
        named, holds = _named(shop, number, catalog, rows), _holds(rule, now_ms)
        decides = named if isinstance(rule, Exclusion) else named & ~excluded
        if isinstance(rule, Boost):
            decides = decides & (boosted_by == number + 1)
        count = int(decides.sum()) if holds == "now" else 0
        reaches.append(Reach(rule.name, _does(rule), holds, int(named.sum()), count))
    left = int((~excluded).sum())
    warnings = [*_of_time(reaches), *_of_slots(shop, length), *_of_items(shop, reaches)]
    if left < min(length, len(rows)):
        warnings.append(f"exclusions leave {left} of {len(rows)} items: lists of {length} slots cannot be full")
    return Survey(reaches, len(rows), left, warnings)


def _does(rule: AnyRule) -> str:
    match rule:
        case Boost(weight=weight):
            return f"boost {weight:+g}"
        case Promotion(slots=slots, most=most, per_user_per_day=day_cap):
            cap = "" if most is None or most >= len(slots) else f"; {most} at most"
            a_day = "" if day_cap is None else f"; {day_cap} a user and day"
            return f"promote to {', '.join(map(str, slots))}{cap}{a_day}"
        case Exclusion():
            return "exclude"


def _holds(rule: AnyRule, now_ms: int) -> Literal["now", "later", "over"]:
    since_ms, until_ms = rule.window_ms
    if now_ms >= until_ms:
        return "over"
    return "now" if now_ms >= since_ms else "later"


def _named(shop: ShopRules, number: int, catalog: Catalog, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of rows [n] a rule names."""
    rule = shop.rules[number]
    if rule.category is not None:
        code = catalog.category_code(rule.category)
        return np.equal(catalog.categories[rows], -2 if code is None else code)
    if rule.pair is not None:
        return catalog.attributes.have(rows, *rule.pair)
    keys = catalog.keys if rule.items is not None else catalog.owners
    return np.isin(keys[rows], shop.targets[number])


def _of_time(reaches: Sequence[Reach]) -> Iterator[str]:
    for reach in reaches:
        if reach.holds == "over":
            yield f"{reach.name} is over: leave it out, or give it another `to`"


def _of_slots(shop: ShopRules, length: int) -> Iterator[str]:
    """Slots that are no list's, or that an earlier promotion has at the same time."""
    promotions = [rule for rule in shop.rules if isinstance(rule, Promotion)]
    for place, rule in enumerate(promotions):
        if beyond := [slot for slot in rule.slots if slot > length]:
            yield f"{rule.name} wants slot {beyond[0]}, and lists have {length} (SIGHTLINE_LIST_LENGTH)"
        (since, until), taken = rule.window_ms, set[int]()
        for other in promotions[:place]:
            if other.window_ms[0] < until and since < other.window_ms[1] and (shared := {*rule.slots} & {*other.slots}):
                taken |= shared
        if taken:
            yield f"{rule.name} wants slot {min(taken)}, which an earlier promotion has first"


def _of_items(shop: ShopRules, reaches: Sequence[Reach]) -> Iterator[str]:
    for reach, rule, keys in zip(reaches, shop.rules, shop.targets, strict=True):
        if reach.named and rule.items is not None and reach.named < len(keys):
            yield f"{reach.name} names {len(keys)} items, of which the catalogue has and can show {reach.named}"
        if not reach.named:
            yield f"{reach.name} names nothing that the catalogue has and can show"
        elif reach.holds == "now" and not reach.decides:
            yield f"{reach.name} decides nothing: what it names is excluded, or has a boost that goes before"
