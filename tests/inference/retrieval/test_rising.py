import numpy as np
import pytest

from features.behaviour import POPULAR_HALF_LIFE_MS, TREND_HALF_LIFE_MS, Behaviour
from features.item import key_of
from features.ledger import EMPTY
from features.profile import Action, lift, profile_after, weigh
from features.trends import NO_TRENDS, update_trends
from features.vision.colours import COLOUR_NAMES
from inference.catalog.catalog import Catalog
from inference.retrieval.rising import find_rising, leaders_of
from sightline_client.trends import RISING_ITEMS_LIMIT, RISING_LIMIT, Rising, RisingKind
from tests.harness.catalog import NOW, item, without_picture
from tests.harness.lists import catalog_of

#: The trend of what is chosen at the same rate all the time, for each 1 of its popularity.
STEADY = TREND_HALF_LIFE_MS / POPULAR_HALF_LIFE_MS


def rising(catalog: Catalog, sums: dict[str, tuple[float, float]]) -> dict[RisingKind, list[Rising]]:
    """What rises where items have these (popular, trend)."""
    behaviours = {key_of(name): Behaviour(EMPTY, *each, NOW) for name, each in sums.items()}
    return find_rising(leaders_of(update_trends(NO_TRENDS, behaviours, NOW), catalog, NOW))


def world() -> Catalog:
    """Eight reds and eight blues; the blues have the colour navy."""
    reds = [(f"red-{n}", item(f"red-{n}")) for n in range(8)]
    return catalog_of(*reds, *((f"blue-{n}", item(f"blue-{n}", colours=(("navy", 1.0),))) for n in range(8)))


def sums(reds: float, blues: float) -> dict[str, tuple[float, float]]:
    """Items of equal popularity, whose trends are so many times what is steady."""
    return {
        f"{colour}-{n}": (400.0, 400.0 * STEADY * times)
        for colour, times in (("red", reds), ("blue", blues))
        for n in range(8)
    }


def test_nothing_rises_where_all_goes_on_as_before() -> None:
    assert rising(world(), sums(1, 1)) == {"looks": [], "categories": [], "colours": []}


def test_more_of_everything_is_the_time_of_day() -> None:
    assert rising(world(), sums(6, 6)) == {"looks": [], "categories": [], "colours": []}


def test_what_rises_is_named_as_a_look_a_category_and_a_colour() -> None:
    found = rising(world(), sums(1, 4))
    (category,), (look,), (colour,) = found["categories"], found["looks"], found["colours"]
    assert (category.name, colour.name) == ("blue", "navy")
    assert look.name in look.items
    assert set(look.items) == set(category.items) == {f"blue-{n}" for n in range(8)}
    total, expected = 8 * 400 * STEADY * 5, 8 * 400 * STEADY * 2.5
    assert category.share == pytest.approx(0.8, abs=1e-4)
    assert category.lift == pytest.approx((0.8 * total + 3) / (expected + 3), abs=0.01)


def test_few_clicks_are_no_trend() -> None:
    assert rising(world(), {"red-0": (400.0, 2.4), "blue-0": (0.01, 4.9)})["categories"] == []


def test_one_user_who_buys_one_item_in_a_quiet_hour_is_no_trend() -> None:
    before = {f"red-{n}": (30.0, 0.0) for n in range(8)}
    kinds = ("click", "like", "cart", "purchase")
    actions = [Action(n, key_of("blue-0"), weigh(kind), NOW) for n, kind in enumerate(kinds)]
    gained = sum(lift(profile_after(actions[:n]), each) for n, each in enumerate(actions))
    assert rising(world(), {**before, "blue-0": (gained, gained)}) == {"looks": [], "categories": [], "colours": []}


def test_an_item_without_a_picture_rises_in_its_category_alone() -> None:
    catalog = catalog_of(*((f"hat-{n}", without_picture(f"hat-{n}")) for n in range(3)), ("red-0", item("red-0")))
    found = rising(catalog, {"red-0": (400.0, 400 * STEADY), **{f"hat-{n}": (1.0, 20.0) for n in range(3)}})
    assert [each.name for each in found["categories"]] == ["hat"]
    assert (found["looks"], found["colours"]) == ([], [])


def test_what_cannot_be_shown_or_is_not_known_is_not_named() -> None:
    catalog = catalog_of(("red-0", item("red-0")), ("blue-0", item("blue-0", hidden=True)))
    found = rising(catalog, {"red-0": (400.0, 1.0), "blue-0": (1.0, 50.0), "gone": (1.0, 50.0)})
    assert found["categories"] == []


def test_the_lists_are_bounded() -> None:
    catalog = catalog_of(
        *((f"i{n}", without_picture(f"i{n}", category=f"c{n % 12}")) for n in range(12 * (RISING_ITEMS_LIMIT + 1))),
        ("old", without_picture("old")),
    )
    hot = {f"i{n}": (1.0, 10.0) for n in range(12 * (RISING_ITEMS_LIMIT + 1))}
    found = rising(catalog, {"old": (5000.0, 5.0), **hot})["categories"]
    assert len(found) == RISING_LIMIT
    assert {len(each.items) for each in found} == {RISING_ITEMS_LIMIT}


def test_an_empty_table_is_no_error() -> None:
    assert rising(world(), {}) == {"looks": [], "categories": [], "colours": []}


def test_a_colour_counts_by_its_share() -> None:
    half = ((COLOUR_NAMES[0], 1.0), (COLOUR_NAMES[1], 1.0))
    catalog = catalog_of(("red-0", item("red-0", colours=half)))
    leaders = leaders_of(
        update_trends(NO_TRENDS, {key_of("red-0"): Behaviour(EMPTY, 1.0, 1.0, NOW)}, NOW), catalog, NOW
    )
    assert np.square(leaders.colours).sum(axis=1) == pytest.approx([1.0], abs=1e-3)
