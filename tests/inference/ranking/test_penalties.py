import pytest

from features.item import key_of
from features.profile import IMPRESSION, Action
from inference.catalog.catalog import Catalog
from inference.ranking.penalties import PASSED_WEIGHT
from inference.ranking.rules import ListRules
from tests.harness.catalog import DAY, NOW, act, item, reds_and_blues
from tests.harness.lists import about, at_angle, catalog_of, ids, ranked, slot_of, unlike_all

#: What likeness of 0.7 costs beside an item that was just disliked.
COST = (0.7 - 0.6) / 0.4


def seen(name: str, *, at_ms: int = NOW) -> Action:
    """The item was in a list, and the user scrolled past."""
    return Action(key_of(f"seen {name} {at_ms}"), key_of(name), IMPRESSION, at_ms, most=IMPRESSION)


@pytest.fixture
def shop() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def score(shop: Catalog, name: str, *actions: Action) -> float:
    return slot_of(ranked(shop, *actions, length=20), name).score


@pytest.mark.parametrize(
    ("weight", "days", "share"), [(-2.0, 0, 1.0), (-3.0, 0, 1.0), (-1.0, 0, 0.5), (-2.0, 14, 0.5), (-2.0, 60, 0.051)]
)
def test_a_refusal_costs_look_alikes_less_when_it_was_mild_or_is_long_ago(
    shop: Catalog, weight: float, days: int, share: float
) -> None:
    liked = act("blue-0", at_ms=NOW)
    before = score(shop, "red-2", liked)

    assert score(shop, "red-2", act("red-1", weight, at_ms=NOW - days * DAY), liked) == about(before - share * COST)


def test_a_list_says_how_many_likeness_to_refused_items_pushed_out(shop: Catalog) -> None:
    """red-0 is the most popular, but the user hid a red one; other reds are less popular than the blues anyway."""
    trends = {"red-0": (9.0, 0.0)} | {f"blue-{n}": (8.0, 0.0) for n in range(4)}
    found = ranked(shop, act("red-7", -3.0), trends=trends, length=4, rules=ListRules(explore_share=0.0))

    assert all(name.startswith("blue") for name in ids(found))
    assert found.pushed_out() == {"like_refused": 1}
    assert ranked(shop, trends=trends, length=4).pushed_out() == {}


def test_a_list_that_is_not_full_pushed_nothing_out(shop: Catalog) -> None:
    assert ranked(shop, act("red-7", -3.0), length=20).pushed_out() == {}


def test_what_looks_like_items_that_were_passed_over_fades_the_more_there_were() -> None:
    shop = catalog_of(
        ("blue-0", item("blue-0")), *((f"a{n}", at_angle(f"a{n}", 0.9)) for n in range(6)), ("red-0", item("red-0"))
    )
    liked = act("blue-0")
    scores = [score(shop, "red-0", liked, *(seen(f"a{n}") for n in range(count))) for count in range(6)]

    assert scores == sorted(scores, reverse=True)
    assert scores[0] > scores[1] > scores[5] > scores[0] - PASSED_WEIGHT


def test_what_was_passed_over_long_ago_costs_nothing_any_more() -> None:
    shop = catalog_of(("blue-0", item("blue-0")), ("a0", at_angle("a0", 0.9)), ("red-0", item("red-0")))
    never, long_ago, just_now = (
        score(shop, "red-0", act("blue-0"), *(seen("a0", at_ms=at_ms) for at_ms in times))
        for times in ([], [NOW - 60 * DAY], [NOW])
    )

    assert long_ago == about(never)
    assert just_now < never - 0.05


def test_for_a_user_who_only_ever_looked_views_say_what_is_liked(shop: Catalog) -> None:
    assert ids(ranked(shop, seen("red-0"), length=4))[0].startswith("red")


def test_what_the_user_likes_is_not_what_was_passed_over() -> None:
    """The user clicked red-0 and passed over other reds, which look no more like red-2 than red-0 does."""
    shop = catalog_of(*reds_and_blues(8))
    with_views = [act("red-0"), *(seen(f"red-{n}") for n in range(3, 8))]

    assert all(name.startswith("red") for name in ids(ranked(shop, *with_views, length=2)))


def test_what_was_seen_and_passed_over_itself_is_gone() -> None:
    shop = catalog_of(*((f"i{n}", unlike_all(n)) for n in range(4)))

    assert "i1" not in ids(ranked(shop, act("i0"), seen("i1")))
