"""The rules that hold at a time, as tables by which rows of the catalogue are marked.

Of rules that name the same row, any exclusion wins; of boosts the strongest, then that of the more specific target
(items, an owner, an attribute, a category), then the first in the file. Promotions do not disagree: each has its slots.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from inference.catalog.catalog import Catalog
from inference.shop_rules.rules import Boost, Exclusion, Promotion, ShopRules

#: The kinds of targets, the most specific first.
_ITEM, _OWNER, _ATTRIBUTE, _CATEGORY = range(4)
_KINDS: Final = 4
#: More than any cap.
NO_CAP: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Marks:
    """What rules say of each row of the catalogue: worked out when a row is first asked for, then `known` bool.

    `boosts` float32 by the rules `boosted_by` int32, and the rules `excluded_by` int32, which are places in the file
    from 1, 0 for none. Bit p of `promotions` uint64 is set where the p-th promotion that holds names the row.
    """

    known: NDArray[np.bool_]
    boosts: NDArray[np.float32]
    boosted_by: NDArray[np.int32]
    excluded_by: NDArray[np.int32]
    promotions: NDArray[np.uint64]

    @classmethod
    def of(cls, rows: int) -> "Marks":
        """Nothing is known of this many rows; what is never asked for takes no memory."""
        return cls(
            np.zeros(rows, np.bool_),
            np.zeros(rows, np.float32),
            np.zeros(rows, np.int32),
            np.zeros(rows, np.int32),
            np.zeros(rows, np.uint64),
        )


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of p promotions: `numbers` int32 [p] are their places in the file, `mosts` int64 [p] their most a list.

    `wanted` int64 [p, n] are their slots from 0, in the order in which they are to be had; -1 pads. `day_caps` int64
    [p] say how many of what they name a user may have seen on a day before they have no slots; NO_CAP: any number.
    """

    numbers: NDArray[np.int32]
    mosts: NDArray[np.int64]
    wanted: NDArray[np.int64]
    day_caps: NDArray[np.int64]

    @classmethod
    def of(cls, promotions: Mapping[int, Promotion]) -> "Slots":
        """The slots of some promotions, by their places in the file."""
        wanted = np.full((len(promotions), max((len(rule.slots) for rule in promotions.values()), default=0)), -1)
        for line, rule in zip(wanted, promotions.values(), strict=True):
            line[: len(rule.slots)] = np.array(rule.slots) - 1
        mosts = [rule.most or len(rule.slots) for rule in promotions.values()]
        caps = [rule.per_user_per_day or NO_CAP for rule in promotions.values()]
        return cls(np.array([*promotions], np.int32), np.array(mosts, np.int64), wanted, np.array(caps, np.int64))


@dataclass(frozen=True, slots=True)
class StandingRules:
    """The rules that hold from `since_ms` until `until_ms`, for the catalogue after this many `changes`.

    `file` has all rules. The targets of those that hold are sorted by kind, then by `keys` uint64 (of items and
    owners; the code of an attribute; that of a category and 1), then by `numbers` int32, the place of the rule in the
    file; those of a kind are at `bounds[kind]` to `bounds[kind + 1]`. By rule of the file, `weights` float32 are those
    of boosts, `bits` uint64 those of promotions in `Marks.promotions`, and `excludes` bool says which are exclusions.
    `promotions` are those that hold.
    """

    file: ShopRules
    since_ms: float
    until_ms: float
    changes: int
    keys: NDArray[np.uint64]
    numbers: NDArray[np.int32]
    bounds: NDArray[np.int64]
    weights: NDArray[np.float32]
    bits: NDArray[np.uint64]
    excludes: NDArray[np.bool_]
    promotions: Slots
    _marks: Marks

    def serves(self, now_ms: int, changes: int) -> bool:
        """Whether these are the rules at this time, for this state of the catalogue."""
        return self.since_ms <= now_ms < self.until_ms and changes == self.changes

    @property
    def boosted_by(self) -> NDArray[np.int32]:
        """By row of the catalogue the rule that boosts it, from 1; only of rows that were asked for."""
        return self._marks.boosted_by

    def marks(self, rows: NDArray[np.int64], catalog: Catalog) -> Marks:
        """What the rules say of rows [n], and of others that were asked for before."""
        marks = self._marks
        _mark(
            rows,
            catalog.keys,
            catalog.owners,
            catalog.categories,
            catalog.attributes.codes,
            self.keys,
            self.numbers,
            self.bounds,
            self.weights,
            self.bits,
            self.excludes,
            marks.known,
            marks.boosts,
            marks.boosted_by,
            marks.excluded_by,
            marks.promotions,
        )
        return marks


def find_standing(shop: ShopRules, catalog: Catalog, now_ms: int) -> StandingRules:
    """The rules that hold now; what they name and the catalogue lacks has no effect until it is there."""
    windows = np.array([rule.window_ms for rule in shop.rules]).reshape(-1, 2)
    holds = (windows[:, 0] <= now_ms) & (now_ms < windows[:, 1])
    standing = {number: shop.rules[number] for number in np.flatnonzero(holds).tolist()}
    promotions = {number: rule for number, rule in standing.items() if isinstance(rule, Promotion)}
    bits = np.zeros(len(shop.rules), np.uint64)
    bits[[*promotions]] = np.uint64(1) << np.arange(len(promotions), dtype=np.uint64)
    kinds, keys, numbers = _targets(shop, standing, catalog)
    order = np.lexsort((numbers, keys, kinds))
    return StandingRules(
        shop,
        float(windows[windows <= now_ms].max(initial=-np.inf)),
        float(windows[windows > now_ms].min(initial=np.inf)),
        catalog.changes,
        keys[order],
        numbers[order],
        np.searchsorted(kinds[order], np.arange(_KINDS + 1)),
        np.array([rule.weight if isinstance(rule, Boost) else 0 for rule in shop.rules], np.float32),
        bits,
        np.array([isinstance(rule, Exclusion) for rule in shop.rules], np.bool_),
        Slots.of(promotions),
        Marks.of(len(catalog.keys)),
    )


def _targets(
    shop: ShopRules, standing: Iterable[int], catalog: Catalog
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int32]]:
    """The kind, key and rule of each target of the standing rules [t]."""
    parts = [(number, *_target(shop, number, catalog)) for number in standing]
    counts = [len(keys) for _, _, keys in parts]
    return (
        np.repeat(np.array([kind for _, kind, _ in parts], np.int64), counts),
        np.concatenate([np.zeros(0, np.uint64), *(keys for _, _, keys in parts)]),
        np.repeat(np.array([number for number, _, _ in parts], np.int32), counts),
    )


def _target(shop: ShopRules, number: int, catalog: Catalog) -> tuple[int, NDArray[np.uint64]]:
    """What a rule names, as the catalogue knows it."""
    rule = shop.rules[number]
    if rule.category is not None:
        code = catalog.category_code(rule.category)
        return _CATEGORY, np.array([] if code is None else [code + 1], np.uint64)
    if rule.pair is not None:
        code = catalog.attributes.code_of(*rule.pair)
        return _ATTRIBUTE, np.array([] if code is None else [code], np.uint64)
    return _ITEM if rule.items is not None else _OWNER, shop.targets[number]


@compiled
def _mark(
    rows: NDArray[np.int64],
    item_keys: NDArray[np.uint64],
    owners: NDArray[np.uint64],
    categories: NDArray[np.int32],
    attributes: NDArray[np.int32],
    keys: NDArray[np.uint64],
    numbers: NDArray[np.int32],
    bounds: NDArray[np.int64],
    weights: NDArray[np.float32],
    bits: NDArray[np.uint64],
    excludes: NDArray[np.bool_],
    known: NDArray[np.bool_],
    boosts: NDArray[np.float32],
    boosted_by: NDArray[np.int32],
    excluded_by: NDArray[np.int32],
    promotions: NDArray[np.uint64],
) -> None:
    """Write the fields of Marks for those of rows [n] that are not known."""
    for row in rows:
        if known[row]:
            continue
        known[row], boosted_kind = True, -1
        for kind in range(_KINDS):
            start, end = bounds[kind], bounds[kind + 1]
            # One row may have several attributes, and one of everything else.
            for part in range((attributes.shape[1] if kind == _ATTRIBUTE else 1) if start < end else 0):
                key = _key(kind, row, part, item_keys, owners, attributes, categories)
                if key == 0:
                    break
                at = _first(keys, start, end, key)
                while at < end and keys[at] == key:
                    number, weight = numbers[at], weights[numbers[at]]
                    promotions[row] |= bits[number]
                    if excludes[number] and not excluded_by[row]:
                        excluded_by[row] = number + 1
                    is_earlier = kind == boosted_kind and number + 1 < boosted_by[row]
                    if abs(weight) > abs(boosts[row]) or (abs(weight) == abs(boosts[row]) and is_earlier):
                        boosts[row], boosted_by[row], boosted_kind = weight, number + 1, kind
                    at += 1


@compiled
def _key(
    kind: int,
    row: int,
    part: int,
    item_keys: NDArray[np.uint64],
    owners: NDArray[np.uint64],
    attributes: NDArray[np.int32],
    categories: NDArray[np.int32],
) -> np.uint64:
    """The key of a row as a target of this kind, of its attributes that of one part; 0 for none."""
    if kind == _ITEM:
        key = item_keys[row]
    elif kind == _OWNER:
        key = owners[row]
    else:
        key = np.uint64(attributes[row, part] if kind == _ATTRIBUTE else categories[row] + 1)
    return np.uint64(key)


@compiled
def _first(keys: NDArray[np.uint64], start: int, end: int, key: np.uint64) -> int:
    """The first place from `start` to `end` with this key or a greater one; `end` if there is none."""
    while start < end:
        middle = (start + end) // 2
        if keys[middle] < key:
            start = middle + 1
        else:
            end = middle
    return start
