"""Rules of a shop, and lists that go by them, in the small world of `tests.harness.catalog`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from features.dials import NO_DIALS, turn
from features.item import key_of
from features.profile import Action
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.experiment import Arm
from inference.explain.explanation import Explanation, Subject
from inference.ranking.ranking import RULES
from inference.ranking.rules import ListRules
from inference.recommender import Recommended, Recommender
from inference.shop_rules.file import decode_rules
from inference.shop_rules.rules import ShopRules
from tests.harness.catalog import NOW, profile_of


def rule(do: str, name: str = "r", **fields: Any) -> dict[str, Any]:
    """A rule as a file has it; `since` and `until` are its `from` and `to`."""
    renamed = {"since": "from", "until": "to"}
    return {"do": do, "name": name, **{renamed.get(key, key): value for key, value in fields.items()}}


def file_of(*rules: Mapping[str, Any]) -> bytes:
    """A file of these rules."""
    return json.dumps({"rules": rules}, indent=1).encode()


def shop_rules(*rules: Mapping[str, Any]) -> ShopRules:
    """These rules, as read from a file."""
    return decode_rules(file_of(*rules))


class ShopLists:
    """Makes lists of a catalogue by rules of a shop; each call of `of` is one user's list."""

    def __init__(
        self, catalog: Catalog, *rules: Mapping[str, Any], length: int = 10, list_rules: ListRules = RULES
    ) -> None:
        self.recommender = Recommender(catalog, length=length, rules=list_rules)
        self.recommender.apply_rules(shop_rules(*rules))

    def of(
        self,
        *actions: Action,
        dials: Mapping[str, float] | None = None,
        user: str = "u1",
        arm: Arm | None = None,
        at_ms: int = NOW,
    ) -> Recommended:
        """The list of a user after some actions."""
        profile = replace(profile_of(*actions), dials=turn(NO_DIALS, list((dials or {}).items())))
        prepared = self.recommender.prepare([profile], at_ms)
        (found,) = self.recommender.recommend(prepared, [key_of(user)], {}, NO_TRENDS, at_ms, arm=arm)
        return found

    def why(self, item_id: str | None, *actions: Action, user: str = "u1") -> Explanation:
        """Why the list of a user is as it is, or an item in it or not."""
        prepared = self.recommender.prepare([profile_of(*actions)], NOW)
        subject = None if item_id is None else Subject(item_id, None)
        return self.recommender.explain(prepared, key_of(user), {}, NO_TRENDS, NOW, subject)


def promoted(found: Recommended) -> dict[int, tuple[str, str | None]]:
    """The slots, from 1, that the shop decided, with item and rule."""
    return {
        number: (slot.item_id, slot.reasons[0].rule)
        for number, slot in enumerate(found.ranking.items, start=1)
        if slot.reasons and slot.reasons[0].code == "promoted"
    }


def names(found: Recommended) -> Sequence[str]:
    """The items of a list."""
    return [slot.item_id for slot in found.ranking.items]
