"""Lists by rules of a shop: what is boosted, promoted and left out, and what the user says against it."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.item import key_of
from inference.catalog.catalog import Catalog
from inference.experiment import Arm
from inference.exploration.newcomers import MET
from inference.ranking.ranking import WeightedRanker, rank
from inference.ranking.rules import ListRules
from inference.retrieval.candidates import generate_candidates
from inference.shop_rules.placing import place_promotions
from inference.shop_rules.shop import Shop
from tests.harness.catalog import DAY, NOW, act, item, profile_of, reds_and_blues, vector
from tests.harness.lists import catalog_of, query_of, unlike_all
from tests.harness.shop_rules import ShopLists, names, promoted, rule, shop_rules

RED = act("red-0")
#: 2026-01-01T12:00:00Z is NOW.
YESTERDAY, TOMORROW = "2025-12-31T12:00:00Z", "2026-01-02T12:00:00Z"


@pytest.fixture
def shop() -> Catalog:
    """Twelve reds and twelve blues; the odd ones are of the brand Acme, and blue-5 of another owner."""
    changes: list[tuple[str, Any]] = []
    for name, each in reds_and_blues(12):
        assert each is not None
        number = int(name.partition("-")[2])
        brand = "Acme" if number % 2 else "Plain"
        owner = "else" if name == "blue-5" else "shop"
        changes.append((name, replace(each, attributes={"brand": brand, "size": f"s{number}"}, owner=owner)))
    return catalog_of(*changes)


def a_crowd_and_two_others() -> Catalog:
    """400 newer items that look like red-0, each in its way, and two that nobody proposes to who likes red."""
    own = np.random.default_rng(3).normal(size=(400, len(vector("red-0"))))
    looks = [0.8 * vector("red-0") + 0.6 * each / np.linalg.norm(each) for each in own]
    crowd = [
        (f"n{n}", item(f"n{n}", category="red", embedding=(each / np.linalg.norm(each)).astype("<f2").tobytes()))
        for n, each in enumerate(looks)
    ]
    others = [(f"i{n}", unlike_all(n, category="odd", at_ms=NOW - 60 * DAY)) for n in (64, 65)]
    return catalog_of(("red-0", item("red-0")), *crowd, *others)


# Boosts


@pytest.mark.parametrize(
    "target",
    [{"items": ["red-7"]}, {"attribute": {"size": "s7"}}],
    ids=["an item", "an attribute"],
)
def test_a_boosted_item_moves_up_and_says_why(shop: Catalog, target: dict[str, Any]) -> None:
    found = ShopLists(shop, rule("boost", "more", weight=0.3, **target)).of(RED)

    assert names(found)[0] == "red-7"
    assert promoted(found) == {1: ("red-7", "more")}
    first = found.ranking.items[0]
    assert (first.source, first.reasons[0].strength, first.reasons[1].code) == ("visual", 0.3, "looks_like")


def test_a_boost_that_changes_no_order_is_no_reason(shop: Catalog) -> None:
    plain = names(ShopLists(shop).of(RED))
    found = ShopLists(shop, rule("boost", weight=0.5, category="red")).of(RED)

    assert (names(found), promoted(found)) == (plain, {})


def test_what_is_boosted_down_falls_behind_and_is_no_promotion(shop: Catalog) -> None:
    first = names(ShopLists(shop).of(RED))[0]
    found = ShopLists(shop, rule("boost", weight=-0.5, items=[first])).of(RED)

    assert first not in names(found)[:9]
    assert promoted(found) == {}


def test_a_boost_adds_as_much_as_the_same_dial_of_a_user(shop: Catalog) -> None:
    by_shop = ShopLists(shop, rule("boost", weight=0.5, items=["red-7"])).of(RED).ranking.items[0]
    by_user = ShopLists(shop).of(RED, dials={"red-7": 0.5}).ranking.items[0]

    assert (by_shop.item_id, by_shop.score) == (by_user.item_id, by_user.score)


def test_a_users_own_dial_stands_and_the_boost_does_not(shop: Catalog) -> None:
    boost = rule("boost", weight=1.0, items=["red-7"])

    less = ShopLists(shop, boost).of(RED, dials={"red-7": -0.5})
    assert names(less) == names(ShopLists(shop).of(RED, dials={"red-7": -0.5}))
    assert "red-7" not in names(ShopLists(shop, boost).of(RED, dials={"red": -1}))


@pytest.mark.parametrize(
    ("rules", "wins"),
    [
        ([{"category": "red", "weight": -0.2}, {"items": ["red-7"], "weight": 0.5}], "b"),
        ([{"category": "red", "weight": 0.5}, {"items": ["red-7"], "weight": -0.2}], "a"),
        ([{"category": "red", "weight": 0.5}, {"items": ["red-7"], "weight": -0.5}], "b"),
        ([{"attribute": {"size": "s7"}, "weight": 0.5}, {"owner": "shop", "weight": -0.5}], "b"),
        ([{"category": "red", "weight": 0.5}, {"attribute": {"size": "s7"}, "weight": -0.5}], "b"),
        ([{"items": ["red-7"], "weight": 0.5}, {"items": ["red-7"], "weight": -0.5}], "a"),
        ([{"attribute": {"size": "s7"}, "weight": 0.5}, {"attribute": {"brand": "Acme"}, "weight": -0.5}], "a"),
        ([{"attribute": {"brand": "Acme"}, "weight": 0.5}, {"attribute": {"size": "s7"}, "weight": -0.5}], "a"),
    ],
    ids=[
        "the stronger",
        "the stronger, less specific",
        "item before category",
        "owner before attribute",
        "attribute before category",
        "the first of the same target",
        "the first of two attributes",
        "the first of two attributes, the other way round",
    ],
)
def test_of_boosts_that_disagree_one_wins(shop: Catalog, rules: list[dict[str, Any]], wins: str) -> None:
    lists = ShopLists(shop, *(rule("boost", name, **each) for name, each in zip("ab", rules, strict=True)))
    (row,) = shop.rows_of(np.array([key_of("red-7")], np.uint64))
    standing = lists.recommender._shop.standing(NOW)

    assert standing is not None
    marks = standing.marks(np.array([row]), shop)
    assert standing.file.rules[marks.boosted_by[row] - 1].name == wins


# Promotions


def test_a_promotion_has_its_slots_and_says_so(shop: Catalog) -> None:
    plain = names(ShopLists(shop).of(RED))
    found = ShopLists(shop, rule("promote", "blue-week", slots=[2, 5], items=["blue-2", "blue-4", "blue-5"])).of(RED)

    assert promoted(found) == {2: ("blue-2", "blue-week"), 5: ("blue-4", "blue-week")}
    assert [each for each in names(found) if each.startswith("red")] == plain[:8]
    slot = found.ranking.items[1]
    assert (slot.source, slot.reasons[0].code, slot.reasons[0].strength) == ("promoted", "promoted", None)


@pytest.mark.parametrize(("most", "slots"), [(1, [2]), (2, [2, 4]), (3, [2, 4, 6]), (None, [2, 4, 6])])
def test_a_promotion_has_no_more_slots_than_its_cap(shop: Catalog, most: int | None, slots: list[int]) -> None:
    found = ShopLists(shop, rule("promote", slots=[2, 4, 6], category="blue", most=most)).of(RED)

    assert [*promoted(found)] == slots
    assert sum(each.startswith("blue") for each in names(found)) == len(slots)


def test_the_best_of_what_a_promotion_names_has_the_slot(shop: Catalog) -> None:
    found = ShopLists(shop, rule("promote", slots=[4], items=["blue-2", "red-9", "blue-1"])).of(RED)

    assert promoted(found) == {4: ("red-9", "r")}
    assert Counter(names(found)).most_common(1)[0][1] == 1


def test_what_has_a_better_slot_by_itself_keeps_it_and_the_next_is_promoted(shop: Catalog) -> None:
    first = names(ShopLists(shop).of(RED))[0]
    found = ShopLists(shop, rule("promote", slots=[3], items=[first, "blue-2"])).of(RED)

    assert names(found)[0] == first
    assert promoted(found) == {3: ("blue-2", "r")}


def test_two_promotions_want_one_slot_and_the_first_has_it(shop: Catalog) -> None:
    rules = (rule("promote", "a", slots=[2], items=["blue-1"]), rule("promote", "b", slots=[2, 3], items=["blue-2"]))

    assert promoted(ShopLists(shop, *rules).of(RED)) == {2: ("blue-1", "a"), 3: ("blue-2", "b")}
    assert promoted(ShopLists(shop, *reversed(rules)).of(RED)) == {2: ("blue-2", "b")}


def test_a_slot_beyond_the_list_is_passed_over(shop: Catalog) -> None:
    found = ShopLists(shop, rule("promote", slots=[200, 3], items=["blue-1"])).of(RED)

    assert promoted(found) == {3: ("blue-1", "r")}


@pytest.mark.parametrize(
    ("actions", "dials"),
    [
        ([act("blue-1", -3.0)], {}),
        ([act("blue-1", 0.0)], {}),
        ([], {"blue-1": -1.0}),
        ([], {"blue": -1.0}),
        ([], {"blue-1": -0.2}),
    ],
    ids=["hidden", "seen", "never this item", "never this category", "less of it"],
)
def test_what_the_user_does_not_want_is_not_promoted(
    shop: Catalog, actions: list[Any], dials: dict[str, float]
) -> None:
    found = ShopLists(shop, rule("promote", slots=[1], items=["blue-1"])).of(RED, *actions, dials=dials)

    assert "blue-1" not in names(found)
    assert len(names(found)) == 10


@pytest.mark.parametrize(
    "changes",
    [{"in_stock": False}, {"hidden": True}, {"expires_at_ms": NOW}, {"held": ("blur",)}, {"owner": "u1"}],
    ids=["sold out", "hidden", "expired", "held", "the user's own"],
)
def test_what_cannot_be_shown_is_not_promoted(shop: Catalog, changes: dict[str, Any]) -> None:
    shop.apply([("blue-1", replace(item("blue-1"), **changes))])
    found = ShopLists(shop, rule("promote", slots=[1], items=["blue-1", "unknown"])).of(RED)

    assert promoted(found) == {}
    assert "blue-1" not in names(found)


def test_what_is_excluded_is_not_promoted(shop: Catalog) -> None:
    found = ShopLists(
        shop, rule("promote", "p", slots=[1], items=["blue-1"]), rule("exclude", "x", category="blue")
    ).of(RED)

    assert (promoted(found), found.filtered["excluded"] > 0) == ({}, True)


def test_a_copy_of_a_listed_picture_is_not_promoted(shop: Catalog) -> None:
    first = names(ShopLists(shop).of(RED))[0]
    shop.apply([("copy", item("copy", looks=first, owner="else"))])
    found = ShopLists(shop, rule("promote", slots=[3], items=["copy", "blue-4"])).of(RED)

    assert promoted(found) == {3: ("blue-4", "r")}


def test_promotions_keep_the_caps_of_lists(shop: Catalog) -> None:
    capped = ListRules(category_cap=2)
    shop.apply([(f"i{n}", unlike_all(n, category=f"c{n}")) for n in range(40, 52)])
    lists = ShopLists(shop, rule("promote", slots=[1, 2, 3, 4], category="blue"), list_rules=capped)

    assert sum(each.startswith("blue") for each in names(lists.of(RED))) <= 2


def test_other_slots_are_not_for_what_only_the_shop_proposes(shop: Catalog) -> None:
    crowd, only = a_crowd_and_two_others(), ["i64", "i65"]
    lists = ShopLists(
        crowd, rule("promote", slots=[1, 2], most=1, items=only), rule("boost", "b", weight=1, items=only)
    )
    found = lists.of(RED)
    ((slot, (first, by)),) = promoted(found).items()

    assert (slot, by, {first} <= {*only}) == (1, "r", True)
    assert len({*only} & {*names(found)}) == 1
    explained = lists.why("i65" if first == "i64" else "i64", RED)
    assert explained.slots[0].proposed_by == ["promoted"]
    assert explained.item is not None
    assert explained.item.verdict == "no_promotion_slot"


def test_a_filter_promotes_others_after_a_while() -> None:
    """It proposes a few at a time; who saw those gets others half a minute later."""
    crowd = a_crowd_and_two_others()
    crowd.apply([(f"i{n}", unlike_all(n, category="odd", at_ms=NOW - 60 * DAY)) for n in range(40, 60)])
    lists = ShopLists(crowd, rule("promote", slots=[1], category="odd"))
    found = {names(lists.of(RED, at_ms=NOW + 30_000 * turn))[0] for turn in range(6)}

    assert len(found) > 1
    assert all(name.startswith("i") for name in found)


def test_a_list_that_explores_does_so_beside_promotions() -> None:
    reds = [(f"red-{n}", item(f"red-{n}")) for n in range(30)]
    new = [(f"i{n}", unlike_all(n, at_ms=NOW)) for n in range(40, 44)]
    shop = catalog_of(*reds, *new, *[(f"blue-{n}", item(f"blue-{n}")) for n in range(3)])
    trends = {name: (5.0, 5.0) for name, _ in reds}
    met = np.array([(key_of(name), 60, 5) for name, _ in reds], MET)
    query = query_of(shop, [profile_of(act("red-29"))], [key_of("u1")], trends=trends, met=met)
    rules = Shop(shop)
    rules.apply(shop_rules(rule("promote", slots=[10], items=["blue-1"])))
    standing = rules.standing(NOW)
    assert standing is not None
    (plain,) = rank(WeightedRanker(), query, generate_candidates(query), length=20)
    query = replace(query, shop=standing, promoted=rules.proposed(standing, query.trends, NOW))
    (found,) = rank(WeightedRanker(), query, generate_candidates(query), length=20)

    explored = {slot: each.item_id for slot, each in enumerate(found.items, start=1) if each.explore}
    assert {slot: each.item_id for slot, each in enumerate(plain.items, start=1) if each.explore}.keys() == {10, 20}
    assert found.items[9].item_id == "blue-1"
    # The one that had the slot moves one further down, the other stays where it is.
    assert explored.keys() == {11, 20}


# Exclusions


@pytest.mark.parametrize(
    ("target", "left"),
    [
        ({"items": ["red-1", "red-2"]}, {"red-1", "red-2"}),
        ({"category": "red"}, {f"red-{n}" for n in range(12)}),
        ({"owner": "else"}, {"blue-5"}),
        ({"attribute": {"brand": "Acme"}}, {f"{c}-{n}" for c in ("red", "blue") for n in range(1, 12, 2)}),
    ],
    ids=["items", "a category", "an owner", "an attribute"],
)
def test_what_is_excluded_is_in_no_list(shop: Catalog, target: dict[str, Any], left: set[str]) -> None:
    lists = ShopLists(shop, rule("exclude", **target))

    for actions in ([RED], [act("blue-0")], []):
        found = names(lists.of(*actions))
        assert not left & {*found}
        assert len(found) == 10


def test_a_rule_that_excludes_everything_leaves_empty_lists(shop: Catalog) -> None:
    rules = (rule("exclude", "a", owner="shop"), rule("exclude", "b", owner="else"))

    assert names(ShopLists(shop, *rules).of(RED)) == []


# Time, and what is not there


@pytest.mark.parametrize(
    ("window", "holds"),
    [
        ({"since": YESTERDAY, "until": TOMORROW}, True),
        ({"since": "2026-01-01T13:00:00+01:00"}, True),
        ({"until": "2026-01-01T12:00:00Z"}, False),
        ({"since": TOMORROW}, False),
        ({"until": YESTERDAY}, False),
    ],
    ids=["within", "from this moment on", "until this moment", "later", "over"],
)
def test_a_rule_holds_in_its_time(shop: Catalog, window: dict[str, str], holds: bool) -> None:
    found = ShopLists(shop, rule("exclude", category="red", **window)).of(RED)

    assert ("excluded" in found.filtered) == holds


def test_rules_begin_and_end_while_lists_are_made(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", slots=[1], items=["blue-1"], since=YESTERDAY, until=TOMORROW))
    days = [bool(promoted(lists.of(RED, at_ms=NOW + days * DAY))) for days in (-2, -1, 0, 1, 0)]

    assert days == [False, True, True, False, True]


def test_what_a_rule_names_may_come_later_and_change(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("exclude", category="hats"), rule("boost", "b", weight=1, attribute={"fit": "wide"}))
    assert lists.of(RED).filtered == {"seen": 1}
    shop.apply([("red-1", replace(item("red-1"), category="hats", attributes=None))])
    assert "red-1" not in names(lists.of(RED))
    shop.apply([("red-1", replace(item("red-1"), attributes={"fit": "wide"}))])
    assert names(lists.of(RED))[0] == "red-1"


def test_rules_that_are_taken_back_change_nothing_any_more(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", slots=[1], items=["blue-1"]))
    assert promoted(lists.of(RED))
    lists.recommender.apply_rules(None)

    assert names(lists.of(RED)) == names(ShopLists(shop).of(RED))


# Experiments, explanations


def test_an_arm_may_be_without_promotions_but_not_without_exclusions(shop: Catalog) -> None:
    lists = ShopLists(
        shop,
        rule("promote", "p", slots=[1], items=["blue-1"]),
        rule("boost", "b", weight=1, items=["red-7"]),
        rule("exclude", "x", items=["red-2"]),
    )
    held_out, other = Arm("held-out", 0.5, without=frozenset({"promoted"})), Arm("popular", 0.5, "popular")

    assert promoted(lists.of(RED, arm=held_out)) == {}
    assert "red-2" not in names(lists.of(RED, arm=held_out))
    assert promoted(lists.of(RED, arm=other))[1] == ("blue-1", "p")


def test_an_explanation_names_the_rules(shop: Catalog) -> None:
    lists = ShopLists(
        shop,
        rule("promote", "p", slots=[2], items=["blue-1", "blue-2"]),
        rule("boost", "b", weight=0.5, items=["red-7"]),
        rule("exclude", "x", items=["red-2"]),
    )
    excluded, boosted = lists.why("red-2", RED).item, lists.why("red-7", RED)
    slot, none = lists.why("blue-2", RED), lists.why("blue-9", RED).item

    assert excluded is not None
    assert [(each.code, each.name) for each in excluded.obstacles] == [("excluded", "x")]
    (part,) = [each for each in boosted.slots[0].score.signals if each.code == "promoted"]
    assert (part.value, part.adds, part.rule, boosted.slots[0].score.others) == (0.5, 0.75, "b", 0.0)
    assert (slot.slots[1].item.item_id, slot.slots[1].item.reasons[0].rule) == ("blue-2", "p")
    assert none is not None
    assert (none.sources[-1].source, none.sources[-1].code) == ("promoted", "no_promotion")


def test_lists_that_are_all_promotions_can_be_explained(shop: Catalog) -> None:
    lists = ShopLists(shop, rule("promote", slots=[1, 2, 3], category="blue"), length=3)

    assert all(name.startswith("blue") for name in names(lists.of(RED)))
    found = lists.why("red-9", RED).item
    assert found is not None
    assert found.verdict in ("below_last_slot", "diversity")


# Any rules


_TARGETS = st.sampled_from(
    [
        {"items": ["red-1", "blue-3"]},
        {"items": [f"red-{n}" for n in range(12)]},
        {"category": "blue"},
        {"category": "red"},
        {"owner": "else"},
        {"attribute": {"brand": "Acme"}},
        {"attribute": {"size": "s7"}},
        {"items": ["unknown"]},
    ]
)
_RULES = st.one_of(
    st.builds(
        lambda target, weight: {"do": "boost", "weight": weight, **target}, _TARGETS, st.sampled_from([-1, 0.3, 1])
    ),
    st.builds(lambda target: {"do": "exclude", **target}, _TARGETS),
    st.builds(
        lambda target, slots, most: {"do": "promote", "slots": slots, "most": most, **target},
        _TARGETS,
        st.lists(st.integers(1, 12), min_size=1, max_size=5, unique=True),
        st.integers(1, 3),
    ),
)


@settings(max_examples=60, deadline=None)
@given(rules=st.lists(_RULES, max_size=5), refused=st.sampled_from(["red-1", "blue-3"]), cap=st.sampled_from([None, 3]))
def test_whatever_the_rules_a_list_is_full_and_has_nothing_that_it_must_not(
    rules: list[dict[str, Any]], refused: str, cap: int | None
) -> None:
    every = {name: replace(found, attributes={"brand": "Acme"}) for name, found in reds_and_blues(12) if found}
    shop = catalog_of(*every.items())
    lists = ShopLists(
        shop, *({**each, "name": f"r{n}"} for n, each in enumerate(rules)), list_rules=ListRules(owner_cap=cap)
    )
    found = lists.of(RED, act(refused, -3.0))

    listed = names(found)
    out = [each for each in rules if each["do"] == "exclude"]
    left = [name for name in every if name not in ("red-0", refused) and not any(_names(each, name) for each in out)]
    assert len({*listed}) == len(listed) == min(len(left), 10)
    assert {*listed} <= {*left}
    for number, each in enumerate(rules):
        if each["do"] == "promote":
            slots = [slot for slot, (_, by) in promoted(found).items() if by == f"r{number}"]
            assert len(slots) <= each["most"]
            assert {*slots} <= {*each["slots"], len(listed)}


def _names(fields: dict[str, Any], name: str) -> bool:
    """Whether a rule names an item of the shop above, all of whose items are of the brand Acme."""
    return (
        name in fields.get("items", ())
        or fields.get("category") == name.partition("-")[0]
        or fields.get("attribute") == {"brand": "Acme"}
    )


def test_placing_without_rules_changes_nothing(shop: Catalog) -> None:
    query = query_of(shop, [profile_of(RED)], [key_of("u1")])
    picked, explored = np.array([[0, 1, -1]]), np.zeros((1, 3), np.bool_)
    placed = place_promotions(
        query,
        generate_candidates(query),
        ListRules(),
        np.zeros(30, np.float32),
        picked,
        np.zeros((1, 3, 66), np.float32),
        explored,
        np.zeros(0, np.int32),
    )

    assert picked.tolist() == [[0, 1, -1]]
    assert not placed.any()
