"""Caps of promotions by user and day: what a user saw today, by the log alone."""

from dataclasses import replace
from typing import Any

import pytest

from features.profile import Action, profile_after
from inference.catalog.catalog import Catalog
from state.codec import decode_profile, encode_profile
from tests.harness.catalog import DAY, NOW, act, item, profile_of, reds_and_blues
from tests.harness.lists import catalog_of
from tests.harness.shop_rules import ShopLists, names, promoted, rule

RED = act("red-0")
#: 2026-01-01T12:00:00Z is NOW.
MIDNIGHT = NOW + DAY // 2
BLUE_WEEK: dict[str, Any] = {"category": "blue", "slots": [2, 5, 7]}


@pytest.fixture
def shop() -> Catalog:
    """Twelve reds and twelve blues."""
    return catalog_of(*reds_and_blues(12))


def saw(name: str, *, at_ms: int = NOW) -> Action:
    """An impression, of which nothing but that it was seen matters here."""
    return act(name, 0.05, at_ms=at_ms)


@pytest.mark.parametrize(
    ("cap", "seen", "slots"),
    [(3, 0, [2, 5, 7]), (3, 1, [2, 5]), (3, 2, [2]), (3, 3, []), (3, 5, []), (1, 0, [2]), (100, 5, [2, 5, 7])],
)
def test_a_user_has_no_more_slots_of_a_promotion_than_its_cap_leaves(
    shop: Catalog, cap: int, seen: int, slots: list[int]
) -> None:
    lists = ShopLists(shop, rule("promote", **BLUE_WEEK, per_user_per_day=cap))

    assert [*promoted(lists.of(RED, *(saw(f"blue-{n}") for n in range(seen))))] == slots


def test_a_list_without_its_promotions_is_as_if_there_were_none(shop: Catalog) -> None:
    actions = (RED, saw("blue-1"))
    capped = ShopLists(shop, rule("promote", **BLUE_WEEK, per_user_per_day=1)).of(*actions)

    assert names(capped) == names(ShopLists(shop).of(*actions))


def test_the_next_day_has_its_own_slots(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", **BLUE_WEEK, per_user_per_day=1))
    actions = (RED, saw("blue-1"))
    by_time = {at_ms: len(promoted(lists.of(*actions, at_ms=at_ms))) for at_ms in (NOW, MIDNIGHT - 1, MIDNIGHT)}

    assert by_time == {NOW: 0, MIDNIGHT - 1: 0, MIDNIGHT: 1}
    assert promoted(lists.of(saw("blue-1", at_ms=NOW - DAY), RED))


def test_each_promotion_has_its_own_cap_and_others_have_none(shop: Catalog) -> None:
    lists = ShopLists(
        shop,
        rule("promote", "a", slots=[1], items=["blue-1", "blue-2", "blue-3"], per_user_per_day=2),
        rule("promote", "b", slots=[3], items=["blue-1", "blue-4"], per_user_per_day=2),
        rule("promote", "c", slots=[5], items=["blue-1", "blue-2", "blue-5"]),
    )
    found = promoted(lists.of(RED, saw("blue-1"), saw("blue-2")))

    assert found == {3: ("blue-4", "b"), 5: ("blue-5", "c")}


def test_users_of_one_batch_have_their_own_days(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", **BLUE_WEEK, per_user_per_day=1))

    assert promoted(lists.of(RED, saw("blue-1"), user="u1")) == {}
    assert len(promoted(lists.of(RED, user="u2"))) == 1


def test_events_that_come_again_or_late_count_once_and_today(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", **BLUE_WEEK, per_user_per_day=2))
    again = (saw("blue-1"),) * 3
    late = saw("blue-2", at_ms=NOW - DAY)

    assert len(promoted(lists.of(RED, *again))) == 1
    assert promoted(lists.of(RED, *again, late)) == {}


def test_a_rule_that_changes_during_the_day_counts_what_was_seen_before_it_did(shop: Catalog) -> None:
    actions = (RED, saw("blue-1"), saw("blue-2"))

    def slots(**fields: Any) -> int:
        return len(promoted(ShopLists(shop, rule("promote", slots=[2, 5, 7], **fields)).of(*actions)))

    assert [slots(category="blue", per_user_per_day=cap) for cap in (1, 2, 3)] == [0, 0, 1]
    assert slots(items=["blue-1", "blue-7", "blue-8", "blue-9"], per_user_per_day=3) == 2
    assert slots(items=["blue-7", "blue-8", "blue-9"], per_user_per_day=3) == 3


def test_an_item_counts_by_what_it_is_now_and_not_when_it_is_gone(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", **BLUE_WEEK, per_user_per_day=1))
    actions = (RED, saw("blue-1"))
    shop.apply([("blue-1", replace(item("blue-1"), in_stock=False))])
    assert promoted(lists.of(*actions)) == {}
    shop.apply([("blue-1", None)])
    assert len(promoted(lists.of(*actions))) == 1


def test_a_day_is_the_same_after_a_crash_and_in_a_replay(shop: Catalog) -> None:
    actions = [RED, *(saw(f"blue-{n}") for n in range(6)), saw("blue-2")]
    stored = profile_of(*actions[:4])
    after_crash = profile_after(actions[2:], decode_profile(encode_profile(stored)))

    assert encode_profile(after_crash) == encode_profile(profile_of(*actions))


def test_an_explanation_says_that_enough_was_seen_today(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", "blue-week", **BLUE_WEEK, per_user_per_day=2))
    found = lists.why("blue-9", RED, saw("blue-1"), saw("blue-2")).item
    assert found is not None
    answer = found.sources[-1]
    assert (answer.source, answer.code, answer.rule, answer.seen) == ("promoted", "seen_enough", "blue-week", 2)

    found = lists.why("blue-9", RED, saw("blue-1")).item
    assert found is not None
    assert found.sources[-1].code != "seen_enough"
    found = lists.why("red-9", RED, saw("blue-1"), saw("blue-2")).item
    assert found is not None
    assert found.sources[-1].code == "no_promotion"
