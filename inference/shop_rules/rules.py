"""The rules of a shop (docs/rules.md) as values: boosts, promotions and exclusions, each of one target, for a time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeAlias

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from features.item import key_of
from features.recommendation import Reason
from sightline_client.events import ANSWER_LIMIT
from sightline_client.fields import ATTRIBUTE_KEY_LIMIT, ATTRIBUTE_VALUE_LIMIT, Id, Name

#: Rules in a file, and those of them that promote.
RULES_LIMIT: Final = 1000
PROMOTIONS_LIMIT: Final = 64
#: Items that one rule names.
ITEMS_LIMIT: Final = 1000
#: The highest cap by user and day: well within the items seen that a profile remembers in their order.
DAY_CAP_LIMIT: Final = 100

_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
_Pair: TypeAlias = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=ATTRIBUTE_KEY_LIMIT)],
        Annotated[str, Meta(min_length=1, max_length=ATTRIBUTE_VALUE_LIMIT)],
    ],
    Meta(min_length=1, max_length=1),
]
_TARGETS: Final = ("items", "category", "owner", "attribute")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do"):
    """What all rules have: a name, one target (items, or all of a category, an owner or an attribute), and a time.

    `since` (`from` in the file) is the first moment at which it holds, `until` (`to`) the first at which it does not;
    None: no limit.
    """

    name: str
    items: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=ITEMS_LIMIT)] | None = None
    category: Name | None = None
    owner: Id | None = None
    attribute: _Pair | None = None
    since: _Time | None = msgspec.field(default=None, name="from")
    until: _Time | None = msgspec.field(default=None, name="to")

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("`name` has other characters than letters, digits, dot, - and _, or is not 1 to 64 long")
        named = [name for name in _TARGETS if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"names {' and '.join(named) or 'nothing'}: give one of {', '.join(_TARGETS)}")
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise ValueError("`from` is not before `to`, so it would never hold")

    @property
    def pair(self) -> tuple[str, str] | None:
        """The key and the value of its attribute, if that is its target."""
        return next(iter(self.attribute.items())) if self.attribute else None

    @property
    def window_ms(self) -> tuple[float, float]:
        """From when and until when it holds, in Unix ms."""
        since = -np.inf if self.since is None else 1000 * self.since.timestamp()
        return since, np.inf if self.until is None else 1000 * self.until.timestamp()


class Boost(Rule, frozen=True, kw_only=True, tag="boost"):
    """More (above 0) or less of its target, as a user's dial says it."""

    weight: Annotated[float, Meta(ge=-1, le=1)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.weight:
            raise ValueError("`weight` is 0, which changes nothing: give -1 to 1, or leave the rule out")


class Promotion(Rule, frozen=True, kw_only=True, tag="promote"):
    """Gives these slots of a list, from 1, to its target, `most` of them at most; None: all of them.

    A user who saw `per_user_per_day` of what it names on a UTC day gets no more of its slots on that day; None: no cap.
    """

    slots: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=ANSWER_LIMIT)], ...], Meta(min_length=1, max_length=ANSWER_LIMIT)
    ]
    most: Annotated[int, Meta(ge=1, le=ANSWER_LIMIT)] | None = None
    per_user_per_day: Annotated[int, Meta(ge=1, le=DAY_CAP_LIMIT)] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if len({*self.slots}) < len(self.slots):
            raise ValueError("`slots` has a slot twice")


class Exclusion(Rule, frozen=True, kw_only=True, tag="exclude"):
    """Its target is in no list."""


AnyRule: TypeAlias = Boost | Promotion | Exclusion


@dataclass(frozen=True, slots=True)
class ShopRules:
    """All rules of a file, in its order: by rule the keys of the items or of the owner that it names, uint64.

    And the reason that it is for a slot which it decides.
    """

    rules: tuple[AnyRule, ...]
    targets: tuple[NDArray[np.uint64], ...]
    reasons: tuple[Reason, ...]

    @classmethod
    def of(cls, rules: Sequence[AnyRule]) -> "ShopRules":
        """These rules, with the keys of what they name."""
        return cls(tuple(rules), tuple(map(_keys_of, rules)), tuple(map(_reason_of, rules)))

    @property
    def keys(self) -> Sequence[str]:
        """The names of the rules."""
        return [rule.name for rule in self.rules]


def _keys_of(rule: AnyRule) -> NDArray[np.uint64]:
    names = rule.items or (() if rule.owner is None else (rule.owner,))
    return np.array([key_of(name) for name in dict.fromkeys(names)], np.uint64)


def _reason_of(rule: AnyRule) -> Reason:
    return Reason(code="promoted", rule=rule.name, strength=rule.weight if isinstance(rule, Boost) else None)
