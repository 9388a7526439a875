from collections.abc import Mapping
from dataclasses import replace

import pytest

from features.behaviour import Behaviour
from features.item import Item, key_of
from features.ledger import EMPTY
from features.profile import Profile
from features.recommendation import RecommendedItem
from features.trends import NO_TRENDS, update_trends
from inference.catalog.catalog import Catalog
from inference.experiment import Arm
from inference.explain.explanation import Subject
from inference.ranking.arms import left_out, own_ranker
from inference.ranking.model import RankerModel
from inference.recommender import Recommender
from tests.harness.catalog import DAY, NOW, act, item, profile_of, reds_and_blues
from tests.harness.lists import catalog_of

RED = profile_of(act("red-0"))
ONLINE, HAND, POPULAR = Arm("a", 0.5), Arm("b", 0.5, "weighted"), Arm("c", 0.5, "popular")
#: How popular some items are, 1 for the most popular, and their trend.
LOVED = {"blue-3": (9.0, 0.0), "blue-1": (5.0, 0.0), "red-2": (3.0, 0.0)}


@pytest.fixture
def shop() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def made(
    recommender: Recommender,
    arm: Arm | None,
    profile: Profile = RED,
    loved: Mapping[str, tuple[float, float]] = LOVED,
) -> list[RecommendedItem]:
    """The list of a user of an arm."""
    table = {key_of(each): Behaviour(EMPTY, *sums, NOW) for each, sums in loved.items()}
    trends = update_trends(NO_TRENDS, table, NOW)
    prepared = recommender.prepare([profile], NOW)
    (found,) = recommender.recommend(prepared, [key_of("u1")], {}, trends, NOW, arm=arm)
    return found.ranking.items


def names(items: list[RecommendedItem]) -> list[str]:
    return [slot.item_id for slot in items]


def test_an_arm_without_options_gets_the_lists_that_everybody_would_get(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)

    assert made(recommender, ONLINE) == made(recommender, None)


def test_the_hand_weights_rank_an_arm_of_their_own_whatever_was_learned(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    recommender.apply_model(RankerModel(7))

    assert [recommender.model_of(arm)["ranker"] for arm in (None, ONLINE, HAND)] == [
        "online@7",
        "online@7",
        "weighted@2",
    ]


def test_the_baseline_gives_all_users_the_most_popular_items_of_the_shop(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    for profile in (RED, profile_of(act("blue-7"))):
        found = made(recommender, POPULAR, profile)
        assert names(found)[:3] == ["blue-3", "blue-1", "red-2"]
        assert {slot.source for slot in found} <= {"trending", "fresh", "popular"}
    assert recommender.model_of(POPULAR)["ranker"] == "popular@2"


def test_the_baseline_shows_what_nobody_chose_last_and_the_newest_of_it_first(shop: Catalog) -> None:
    new = [(f"blue-{20 + days}", item(f"blue-{20 + days}", at_ms=NOW - days * DAY)) for days in (3, 2, 4)]
    shop.apply([(name, each) for name, each in new])

    assert names(made(Recommender(shop, length=4), POPULAR, loved={"red-2": (3.0, 0.0)})) == [
        "red-2",
        "blue-22",
        "blue-23",
        "blue-24",
    ]


def test_a_source_that_an_arm_leaves_out_proposes_nothing(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    without = Arm("plain", 0.5, without=frozenset({"visual"}))

    assert {slot.source for slot in made(recommender, None)} == {"visual"}
    assert {slot.source for slot in made(recommender, without)}.isdisjoint({"visual"})


def test_a_list_is_full_though_all_that_fills_it_is_left_out() -> None:
    items: list[tuple[str, Item | None]] = [(f"red-{n}", item(f"red-{n}")) for n in range(30)]
    recommender = Recommender(catalog_of(*items), length=20)
    without = Arm("plain", 0.5, without=frozenset({"visual", "fresh"}))

    assert len(made(recommender, without, loved={})) == 20


def test_weights_of_an_arm_change_its_order_and_the_name_of_its_ranker(shop: Catalog) -> None:
    arm = Arm("crowd", 0.5, "weighted", weights=(("popular", 50.0), ("looks_like", 0.0)))
    recommender = Recommender(shop, length=5)

    assert names(made(recommender, HAND))[0].startswith("red")
    assert names(made(recommender, arm))[0] == "blue-3"
    assert recommender.model_of(arm)["ranker"] == "weighted-crowd@2"


def test_no_arm_leaves_out_nothing_and_has_no_ranker_of_its_own() -> None:
    assert (left_out(None), left_out(ONLINE), own_ranker(ONLINE)) == (frozenset(), frozenset(), None)


def test_an_explanation_is_of_the_users_arm(shop: Catalog) -> None:
    recommender = Recommender(shop, length=5)
    plain = replace(ONLINE, name="plain", without=frozenset({"visual"}))
    prepared = recommender.prepare([RED], NOW)
    subject = Subject("red-7", None)
    found = recommender.explain(prepared, key_of("u1"), {}, NO_TRENDS, NOW, subject, arm=plain)

    assert found.arm == "plain"
    assert found.item is not None
    assert {each.source: each.code for each in found.item.sources}["visual"] == "left_out"
    assert [slot.item for slot in found.slots] == made(recommender, plain, loved={})
    assert recommender.explain(prepared, key_of("u1"), {}, NO_TRENDS, NOW).arm is None
