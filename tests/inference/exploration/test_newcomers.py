from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.behaviour import UNKNOWN, counted
from features.co_choices.choice import choice_of
from features.item import key_of
from features.profile import NEW, Action, apply_interaction, most_of, weigh
from inference.catalog.catalog import Catalog
from inference.exploration.newcomers import (
    KNOWN_FROM,
    LATEST_LIMIT,
    MET,
    NOBODY_MET,
    category_rates,
    count_met,
    find_newcomers,
    latest_keys,
)
from tests.harness.catalog import DIMENSIONS, NOW, item, reds_and_blues
from tests.harness.lists import catalog_of, unlike_all


def met_by(**counts: tuple[int, int]) -> NDArray[np.void]:
    """`red_1=(10, 3)`: ten users met red-1, and three of them chose it."""
    return np.array([(key_of(name.replace("_", "-")), *each) for name, each in counts.items()], MET)


def test_who_sees_an_item_meets_it_and_who_clicks_chooses_it() -> None:
    """Ten users see the item twice, three of them click, one buys it as well."""
    behaviour = UNKNOWN
    for user in range(10):
        profile = NEW
        kinds = ["view", "view"] + ["click"] * (user < 3) + ["purchase"] * (user < 1)
        for number, kind in enumerate(kinds):
            action = Action(100 * user + number, 7, weigh(kind), NOW, most=most_of(kind))
            behaviour = counted(behaviour, choice_of(profile, action, 0, 0, user))
            profile = apply_interaction(profile, action).profile
    (found,) = count_met({7: behaviour}).tolist()

    # The purchase counts as three more who chose it: what is stored is one sum.
    assert found == (7, 10, 6)


def test_nobody_who_met_an_item_chose_it_by_looking_at_it_in_a_list() -> None:
    assert count_met({7: replace(UNKNOWN, popular=0.5, user_bitmap=2**10 - 1)}).tolist() == [(7, 10, 0)]
    assert count_met({}).tolist() == []


def test_what_many_met_is_no_newcomer() -> None:
    catalog = catalog_of(*reds_and_blues(2))
    found = find_newcomers(met_by(red_0=(KNOWN_FROM, 2), blue_0=(KNOWN_FROM - 1, 2)), catalog)

    assert {catalog.item_ids[row] for row in found.rows} == {"red-1", "blue-0", "blue-1"}
    assert found.rows.tolist() == sorted(found.rows.tolist())


def test_an_item_that_nobody_met_is_expected_to_be_like_its_category() -> None:
    catalog = catalog_of(*reds_and_blues(3))
    found = find_newcomers(met_by(red_0=(40, 20), blue_0=(40, 0)), catalog)
    rates = dict(
        zip((catalog.item_ids[row] for row in found.rows), found.wins / (found.wins + found.misses), strict=True)
    )

    assert rates["red-1"] == rates["red-2"] == pytest.approx(0.45, abs=0.05)
    assert rates["blue-1"] < 0.05


def test_what_is_known_of_an_item_outweighs_its_category() -> None:
    catalog = catalog_of(*reds_and_blues(2))
    found = find_newcomers(met_by(red_0=(40, 20), red_1=(15, 0)), catalog)
    row = found.rows.tolist().index(catalog.row_of("red-1"))

    assert found.wins[row] / (found.wins[row] + found.misses[row]) < 0.1


def test_items_of_the_table_that_the_catalogue_lacks_count_nowhere() -> None:
    catalog = catalog_of(*reds_and_blues(2))
    known, unknown = (find_newcomers(table, catalog) for table in (NOBODY_MET, met_by(gone=(40, 20))))

    assert known.wins.tolist() == unknown.wins.tolist()
    assert not len(find_newcomers(NOBODY_MET, Catalog(DIMENSIONS)).rows)


def test_only_the_latest_uploads_are_looked_at() -> None:
    catalog = Catalog(300)
    looks = np.eye(300, dtype="<f2")
    catalog.apply(
        (f"i{n}", item(f"i{n}", looks="red-0", at_ms=NOW + n, embedding=looks[n].tobytes())) for n in range(200)
    )

    assert set(latest_keys(catalog)) == {key_of(f"i{n}") for n in range(200 - LATEST_LIMIT, 200)}


def test_what_was_learned_is_said_by_category() -> None:
    catalog = catalog_of(*reds_and_blues(2), ("i40", unlike_all(40, category=None)))
    red, blue, none = category_rates(met_by(red_0=(40, 20), red_1=(2, 1), blue_0=(5, 0)), catalog)

    assert (red.category, red.items, red.newcomers, red.met, red.chosen) == ("red", 2, 1, 42, 21)
    assert (blue.category, blue.met, blue.chosen, none.category, none.met) == ("blue", 5, 0, None, 0)
    assert red.rate == pytest.approx(0.45, abs=0.05)
    assert blue.rate < none.rate < red.rate
