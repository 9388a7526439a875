from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from features.behaviour import UNKNOWN, Behaviour, Engagement, apply_engagement
from features.dials import NO_DIALS, turn
from features.item import Item, key_of
from features.ledger import EMPTY
from features.profile import NEW, Action, Profile
from features.trends import NO_TRENDS, update_trends
from inference.catalog.catalog import Catalog
from inference.retrieval.candidates import (
    FRESH_COUNT,
    SOURCES,
    TREND_COUNT,
    Candidates,
    find_trends,
    generate_candidates,
    recent_items,
)
from inference.retrieval.tastes import find_tastes
from tests.harness.catalog import DAY, DIMENSIONS, NOW, act, item, profile_of, reds_and_blues, vector


def catalog_of(*changes: tuple[str, Item | None]) -> Catalog:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(changes)
    return catalog


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def chosen_after(**followers: float) -> Behaviour:
    """The behaviour of an item after which others were chosen; `red_1` stands for red-1."""
    links = tuple((key_of(name.replace("_", "-")), weight) for name, weight in followers.items())
    return apply_engagement(UNKNOWN, Engagement(0, NOW, 1.0, links, 0, 0))


def candidates_of(
    catalog: Catalog,
    *actions: Action,
    user: str = "u1",
    behaviours: Mapping[str, Behaviour] | None = None,
    trends: Mapping[str, tuple[float, float]] | None = None,
    dials: Mapping[str, float] | None = None,
) -> Candidates:
    """The candidates of one user after some actions; `trends` are (popular, trend) by item."""
    profile = replace(profile_of(*actions), dials=turn(NO_DIALS, list((dials or {}).items())))
    known = {key_of(name): Behaviour(EMPTY, *sums, NOW) for name, sums in (trends or {}).items()}
    return generate_candidates(
        find_tastes([profile], catalog, NOW),
        [profile],
        [key_of(user)],
        catalog,
        {key_of(name): behaviour for name, behaviour in (behaviours or {}).items()},
        find_trends(update_trends(NO_TRENDS, known, NOW), catalog, NOW),
        NOW,
    )


def names(catalog: Catalog, found: Candidates, source: str | None = None) -> set[str]:
    return {
        catalog.item_ids[row]
        for row, code in zip(found.rows, found.sources, strict=True)
        if source in (None, SOURCES[code])
    }


def value(catalog: Catalog, found: Candidates, field: str, name: str) -> float:
    return float(getattr(found, field)[found.rows.tolist().index(catalog.row_of(name))])


# What a profile means


def test_a_taste_for_two_colours_has_two_interests(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0"), act("blue-0"), act("blue-1"))], catalog, NOW)

    assert np.count_nonzero(tastes.interests.shares) == 2
    assert tastes.interests.centres[0, 0] @ vector("blue-2") > 0.7
    assert tastes.categories.sum() == pytest.approx(1)
    assert tastes.categories[0, catalog.category_names.index("blue")] > 0.6


def test_what_was_chosen_last_weighs_most(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0"), act("red-1"), act("red-2"))], catalog, NOW)

    assert [catalog.item_ids[row] for row in tastes.rows[0]] == ["red-0", "red-1", "red-2"]
    assert tastes.weights[0].tolist() == sorted(tastes.weights[0])
    assert tastes.weights.sum() == pytest.approx(1)


def test_what_the_catalogue_lacks_is_no_part_of_a_taste(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("gone"), act("red-0"), act("unheard-of", -3.0))], catalog, NOW)

    assert tastes.rows.tolist() == [[catalog.row_of("red-0")]]
    assert tastes.weights.tolist() == [[1.0]]
    assert [rows.tolist() for rows in tastes.refused] == [[]]


def test_refused_items_are_kept_apart(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0", -3.0))], catalog, NOW)

    assert tastes.rows.shape == (1, 0)
    assert not tastes.interests.shares.any()
    assert [rows.tolist() for rows in tastes.refused] == [[catalog.row_of("red-0")]]


def test_a_new_user_has_no_taste(catalog: Catalog) -> None:
    tastes = find_tastes([NEW], catalog, NOW)

    assert tastes.vectors.shape == (1, 0, DIMENSIONS)
    assert tastes.categories.tolist() == [[0.0, 0.0]]


def test_a_taste_of_years_ago_is_still_one(catalog: Catalog) -> None:
    tastes = find_tastes([profile_of(act("red-0", at_ms=NOW - 1000 * DAY))], catalog, NOW)

    assert tastes.interests.shares.tolist() == [[1.0, 0.0, 0.0, 0.0]]
    assert tastes.weights.tolist() == [[1.0]]


def test_the_latest_five_items_are_asked_about() -> None:
    profile = profile_of(*(act(f"red-{n}") for n in range(7)))

    assert recent_items(profile) == [key_of(f"red-{n}") for n in (6, 5, 4, 3, 2)]
    assert recent_items(NEW) == []


def test_users_of_one_batch_have_the_tastes_that_they_have_alone(catalog: Catalog) -> None:
    profiles = [profile_of(act("red-0"), act("red-1")), NEW, profile_of(act("gone"), act("blue-0"))]
    together = find_tastes(profiles, catalog, NOW)

    red_0, red_1, blue_0 = (catalog.row_of(name) for name in ("red-0", "red-1", "blue-0"))
    assert together.rows.tolist() == [[red_0, red_1], [-1, -1], [-1, blue_0]]
    for user, profile in enumerate(profiles):
        alone = find_tastes([profile], catalog, NOW)
        assert together.medoids()[user].tolist() == alone.medoids()[0].tolist()
        np.testing.assert_allclose(together.interests.centres[user], alone.interests.centres[0], atol=1e-6)
        np.testing.assert_allclose(together.categories[user], alone.categories[0])
        np.testing.assert_allclose(together.colours[user], alone.colours[0], atol=1e-6)


# What the trends mean


def test_trends_are_scaled_by_the_strongest_and_lack_unknown_items(catalog: Catalog) -> None:
    sums = {"red-0": (2.0, 8.0), "blue-0": (10.0, 4.0), "unheard-of": (5.0, 2.0)}
    table = update_trends(NO_TRENDS, {key_of(n): Behaviour(EMPTY, *each, NOW) for n, each in sums.items()}, NOW)
    trends = find_trends(table, catalog, NOW)

    rows = catalog.rows_of(np.array([key_of("red-0"), key_of("blue-0")], np.uint64)).tolist()
    assert trends.rising.tolist() == rows
    assert trends.loved.tolist() == rows[::-1]
    assert trends.trend[rows].tolist() == pytest.approx([1.0, 0.5])
    assert trends.popular[rows].tolist() == pytest.approx([0.2, 1.0])
    assert np.count_nonzero(trends.trend) == np.count_nonzero(trends.popular) == 2


def test_no_trends_are_none(catalog: Catalog) -> None:
    assert len(find_trends(NO_TRENDS, catalog, NOW).rising) == 0


# Sources


def test_a_click_on_red_finds_what_looks_alike(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"))

    assert {f"red-{n}" for n in range(1, 8)} <= names(catalog, found, "visual")
    assert found.source_counts()[0]["visual"] == len(names(catalog, found, "visual"))


def test_both_of_two_tastes_are_looked_for() -> None:
    crowded = catalog_of(
        *((f"r{n}", item(f"r{n}", looks=f"red-{n % 32}")) for n in range(200)),
        *((f"b{n}", item(f"b{n}", looks=f"blue-{n % 32}")) for n in range(200)),
    )
    found = candidates_of(crowded, act("r0", 3.0), act("r1", 3.0), act("b0"))

    visual = names(crowded, found, "visual")
    assert sum(name.startswith("r") for name in visual) > 30
    assert sum(name.startswith("b") for name in visual) > 30


def test_what_others_chose_next_is_a_candidate_with_its_evidence() -> None:
    many = catalog_of(*((f"r{n}", item(f"r{n}", looks=f"red-{n % 32}")) for n in range(100)), *reds_and_blues(3))
    behaviours = {"r0": chosen_after(blue_1=1.0), "r1": chosen_after(blue_1=3.0, blue_2=1.0)}
    found = candidates_of(many, act("r0"), act("r1"), behaviours=behaviours)

    assert names(many, found, "neighbours") == {"blue-1", "blue-2"}
    assert value(many, found, "neighbour", "blue-1") == pytest.approx(3 / 9 + 0.8 * 1 / 6)
    assert value(many, found, "neighbour_of", "blue-1") == many.row_of("r1")
    assert value(many, found, "neighbour", "r5") == 0
    assert value(many, found, "neighbour_of", "r5") == -1


def test_followers_of_an_item_that_left_the_catalogue_are_no_candidates(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("gone"), behaviours={"gone": chosen_after(red_1=5.0)})

    assert not found.neighbour.any()
    assert (found.neighbour_of == -1).all()


def test_followers_that_left_the_catalogue_are_no_candidates(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"), behaviours={"red-0": chosen_after(gone=5.0)})

    assert not found.neighbour.any()


def test_the_strength_of_a_neighbour_is_at_most_1(catalog: Catalog) -> None:
    behaviours = {f"red-{n}": chosen_after(blue_1=8.0) for n in range(5)}
    found = candidates_of(catalog, *(act(f"red-{n}") for n in range(5)), behaviours=behaviours)

    assert value(catalog, found, "neighbour", "blue-1") == 1.0


def test_a_new_user_gets_what_is_popular_rising_or_fresh() -> None:
    old = [(f"r{n}", item(f"r{n}", looks=f"red-{n % 32}", at_ms=NOW - n * DAY)) for n in range(100)]
    shop = catalog_of(*old)
    popular = {f"r{50 + n}": (100.0 - n, 1.0) for n in range(40)}
    rising = {f"r{n}": (1.0, 100.0 - n) for n in range(40)}
    found = candidates_of(shop, trends=popular | rising)

    assert names(shop, found, "trending") == {f"r{n}" for n in range(TREND_COUNT)}
    assert names(shop, found, "popular") == {f"r{50 + n}" for n in range(TREND_COUNT)}
    assert names(shop, found, "fresh") == set()  # all of them are credited to the trends already


def test_without_trends_a_new_user_gets_the_freshest() -> None:
    shop = catalog_of(*((f"r{n}", item(f"r{n}", looks="red-0", at_ms=NOW - n * DAY)) for n in range(100)))

    assert names(shop, candidates_of(shop), "fresh") == {f"r{n}" for n in range(FRESH_COUNT)}


def test_a_candidate_of_several_sources_is_credited_to_the_first(catalog: Catalog) -> None:
    found = candidates_of(
        catalog,
        act("red-0"),
        behaviours={"red-0": chosen_after(red_1=1.0)},
        trends={"red-1": (1.0, 1.0), "blue-1": (1.0, 0.5)},
    )

    assert len(found.rows) == len(set(found.rows.tolist()))
    assert "red-1" in names(catalog, found, "visual")
    assert value(catalog, found, "neighbour", "red-1") > 0


# Filters


def test_what_was_seen_is_filtered(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"), act("red-1", 0.0))

    assert not {"red-0", "red-1"} & names(catalog, found)
    assert found.filtered[0] == {"seen": 2}


def test_ones_own_items_are_filtered() -> None:
    shop = catalog_of(("red-0", item("red-0")), ("red-1", item("red-1", owner="u1")))

    assert names(shop, candidates_of(shop, user="u1")) == {"red-0"}
    assert candidates_of(shop, user="u1").filtered[0] == {"own": 1}
    assert names(shop, candidates_of(shop, user="u2")) == {"red-0", "red-1"}


def test_a_refused_item_is_filtered_as_hidden_even_when_it_was_seen_long_ago(catalog: Catalog) -> None:
    seen_since = [act(f"other-{n}", 0.0) for n in range(300)]
    found = candidates_of(catalog, act("red-1", -3.0), *seen_since)

    assert "red-1" not in names(catalog, found)
    assert found.filtered[0] == {"hidden": 1}


def test_an_unavailable_item_that_trends_is_filtered() -> None:
    shop = catalog_of(("red-0", item("red-0", in_stock=False)), ("red-1", item("red-1", hidden=True)))
    found = candidates_of(shop, trends={"red-0": (1.0, 1.0), "red-1": (2.0, 2.0)})

    assert (len(found.rows), found.filtered[0]) == (0, {"unavailable": 2})


def test_an_item_expires_at_its_time() -> None:
    shop = catalog_of(("red-0", item("red-0", expires_at_ms=NOW)), ("red-1", item("red-1", expires_at_ms=NOW + 1)))
    found = candidates_of(shop)

    assert names(shop, found) == {"red-1"}
    assert found.filtered[0] == {"unavailable": 1}


def test_an_item_is_counted_under_one_filter_only() -> None:
    shop = catalog_of(("red-0", item("red-0", owner="u1", in_stock=False)))

    assert candidates_of(shop, act("red-0"), trends={"red-0": (1.0, 1.0)}).filtered[0] == {"unavailable": 1}


# The user's own dials


@pytest.mark.parametrize("name", ["red-1", "red", "bob"])
def test_what_is_never_wanted_is_filtered(name: str) -> None:
    shop = catalog_of(("red-1", item("red-1", owner="bob")), ("blue-1", item("blue-1")))
    found = candidates_of(shop, dials={name: -1.0})

    assert names(shop, found) == {"blue-1"}
    assert found.filtered[0] == {"unwanted": 1}


def test_what_is_wanted_less_stays(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"), dials={"red": -0.9})

    assert "red-1" in names(catalog, found)
    assert "unwanted" not in found.filtered[0]


def test_ones_own_items_are_counted_as_own_and_refused_ones_as_unwanted() -> None:
    shop = catalog_of(("red-0", item("red-0", owner="u1")), ("red-1", item("red-1")), ("blue-1", item("blue-1")))
    found = candidates_of(shop, act("red-1", -3.0), dials={"red": -1.0})

    assert found.filtered[0] == {"own": 1, "unwanted": 1}


def test_an_item_that_is_wanted_brings_what_looks_like_it() -> None:
    old = [(f"{colour}-{n}", item(f"{colour}-{n}")) for n in range(30) for colour in ("red", "blue")]
    shop = catalog_of(*old, *((f"new-{n}", item(f"new-{n}", looks="blue-0", at_ms=NOW)) for n in range(FRESH_COUNT)))
    without, found = (candidates_of(shop, dials=dials) for dials in (None, {"red-7": 0.5}))

    assert not {name for name in names(shop, without) if name.startswith("red")}
    assert {f"red-{n}" for n in range(30)} <= names(shop, found, "visual")


def test_a_wanted_item_that_is_not_to_be_had_is_no_candidate() -> None:
    shop = catalog_of(("red-0", item("red-0", in_stock=False)), ("red-1", item("red-1")))
    found = candidates_of(shop, dials={"red-0": 1.0, "gone": 1.0})

    assert names(shop, found) == {"red-1"}
    assert found.filtered[0] == {"unavailable": 1}


def test_each_candidate_has_its_dial(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"), dials={"red": 0.25, "red-3": -1.0})

    weights = zip(found.rows.tolist(), found.wishes.weights.tolist(), strict=True)
    assert {catalog.item_ids[row].partition("-")[0]: weight for row, weight in weights} == {"red": 0.25, "blue": 0.0}


def test_who_has_no_dials_has_no_wishes(catalog: Catalog) -> None:
    assert not candidates_of(catalog, act("red-0")).wishes.weights.any()


def test_in_an_empty_catalogue_dials_find_nothing() -> None:
    found = candidates_of(catalog_of(), dials={"red-0": 1.0, "red": -1.0})

    assert (len(found.rows), found.filtered[0]) == (0, {})


# Nothing


def test_an_empty_catalogue_has_no_candidates() -> None:
    found = candidates_of(Catalog(DIMENSIONS), act("red-0"), trends={"red-0": (1.0, 1.0)})

    assert len(found.rows) == 0
    assert found.filtered[0] == {}
    assert found.source_counts() == [dict.fromkeys(SOURCES, 0)]


def test_in_an_empty_catalogue_a_refused_item_is_no_candidate_either() -> None:
    found = candidates_of(catalog_of(), act("red-0"), act("red-1", -3.0))

    assert (len(found.rows), found.filtered[0]) == (0, {})


def test_a_user_with_only_refused_items_gets_the_rest(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0", -3.0), act("red-1", -3.0))

    assert names(catalog, found) == {f"red-{n}" for n in range(2, 8)} | {f"blue-{n}" for n in range(8)}


def test_a_user_of_unknown_items_gets_what_a_new_one_gets(catalog: Catalog) -> None:
    assert names(catalog, candidates_of(catalog, act("gone"))) == names(catalog, candidates_of(catalog))


def test_users_of_one_batch_each_get_their_own(catalog: Catalog) -> None:
    profiles: list[Profile] = [profile_of(act("red-0")), NEW, profile_of(act("blue-0"), act("red-0")), NEW]
    together = generate_candidates(
        find_tastes(profiles, catalog, NOW),
        profiles,
        [key_of(f"u{n}") for n in range(4)],
        catalog,
        {},
        find_trends(NO_TRENDS, catalog, NOW),
        NOW,
    )
    alone = [candidates_of(catalog, *actions) for actions in ([act("red-0")], [], [act("blue-0"), act("red-0")], [])]

    for user, (each, (start, end)) in enumerate(zip(alone, pairwise(together.bounds.tolist()), strict=True)):
        assert together.rows[start:end].tolist() == each.rows.tolist()
        assert together.sources[start:end].tolist() == each.sources.tolist()
        assert (together.users[start:end] == user).all()
        assert together.filtered[user] == each.filtered[0]
        assert together.source_counts()[user] == each.source_counts()[0]
