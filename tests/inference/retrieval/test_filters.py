from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.item import key_of
from features.profile import NEW
from inference.catalog.catalog import Catalog
from inference.retrieval.candidates import generate_candidates
from inference.retrieval.filters import FILTERS, apply_filters, filters_of, merged_alone
from tests.harness.catalog import NOW, act, item, profile_of, reds_and_blues
from tests.harness.lists import candidates_of, catalog_of, chosen_after, ids, names, query_after, query_of, ranked


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


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


def test_the_first_of_many_refused_items_is_still_filtered_as_hidden(catalog: Catalog) -> None:
    """Seventeen refusals and 300 views ago; others of the batch have other histories."""
    since = [*(act(f"other-{n}", -3.0) for n in range(40)), *(act(f"other-{n}", 0.2) for n in range(300))]
    hidden = profile_of(act("red-1", -3.0), *since)
    seen = profile_of(act("red-1", 0.2), *since)
    query = query_of(catalog, [NEW, hidden, seen], [key_of("u1"), key_of("u2"), key_of("u3")])
    found = generate_candidates(query)

    rows = [found.rows[start:end].tolist() for start, end in pairwise(found.bounds.tolist())]
    assert [catalog.row_of("red-1") in each for each in rows] == [True, False, False]
    assert found.filtered == [{}, {"hidden": 1}, {"seen": 1}]


def test_what_was_taken_back_is_seen_and_no_longer_hidden(catalog: Catalog) -> None:
    others = [act(f"other-{n}", -3.0) for n in range(40)]
    found = candidates_of(catalog, act("red-1", -3.0), *others, act("red-1", 1.0))

    assert found.filtered[0] == {"seen": 1}


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 31), st.sampled_from([-3.0, -1.0, 0.0, 0.05, 0.2, 1.0, 3.0])), max_size=60))
def test_no_list_has_a_refused_item(acts: list[tuple[int, float]]) -> None:
    """Whatever came before and since: only what the user was clear about counts, as a dictionary would keep it."""
    shop = catalog_of(*reds_and_blues(16))
    names_of = [shop.item_ids[row] for row in range(32)]
    filler = [act(f"other-{n}", -3.0, event=f"f{n}") for n in range(20)]
    refused: dict[str, bool] = {}
    actions = []
    for number, (place, weight) in enumerate(acts):
        actions.append(act(names_of[place], weight, event=f"e{number}"))
        if weight < 0 or weight >= 1.0:
            refused[names_of[place]] = weight < 0
    half = len(actions) // 2

    found = ids(ranked(shop, *actions[:half], *filler, *actions[half:], length=32))

    assert not [name for name in found if refused.get(name)]
    assert not [name for name in found if key_of(name) in {action.item for action in actions}]


def test_an_unavailable_item_that_others_chose_is_filtered() -> None:
    shop = catalog_of(
        ("red-0", item("red-0", in_stock=False)), ("red-1", item("red-1", hidden=True)), ("blue-0", item("blue-0"))
    )
    found = candidates_of(shop, act("blue-0"), behaviours={"blue-0": chosen_after(red_0=1.0, red_1=2.0)})

    assert (len(found.rows), found.filtered[0]) == (0, {"unavailable": 2, "seen": 1})


def test_an_item_expires_at_its_time() -> None:
    shop = catalog_of(("red-0", item("red-0", expires_at_ms=NOW)), ("red-1", item("red-1", expires_at_ms=NOW + 1)))
    found = candidates_of(shop)

    assert names(shop, found) == {"red-1"}
    assert found.filtered[0] == {"unavailable": 1}


def test_an_item_is_counted_under_one_filter_only() -> None:
    shop = catalog_of(("red-0", item("red-0", owner="u1", in_stock=False)))

    assert candidates_of(shop, act("red-0"), dials={"red-0": 1.0}).filtered[0] == {"unavailable": 1}


def test_all_filters_that_take_a_row_out_are_named_and_the_first_is_the_one_it_is_counted_under() -> None:
    shop = catalog_of(
        ("red-0", item("red-0", owner="u1", in_stock=False)),
        ("red-1", item("red-1", owner="u1")),
        ("red-2", item("red-2")),
        ("red-3", item("red-3")),
        ("blue-0", item("blue-0")),
    )
    query = query_after(shop, act("red-0"), act("red-2", -3.0), act("red-3"), user="u1", dials={"red": -1.0})
    wish = {name: 0.0 if name == "blue-0" else -1.0 for name in ("red-0", "red-1", "red-2", "red-3", "blue-0")}
    named = {name: filters_of(query, 0, shop.row_of(name) or 0, wish[name]) for name in wish}

    assert named == {
        "red-0": ["unavailable", "own", "unwanted", "seen"],
        "red-1": ["own", "unwanted"],
        "red-2": ["unwanted", "hidden", "seen"],
        "red-3": ["unwanted", "seen"],
        "blue-0": [],
    }
    merged = merged_alone(query, 0, np.arange(5))
    kept, _, counted = apply_filters(query, merged, np.array([*wish.values()], np.float32))
    first = Counter(each[0] for each in named.values() if each)
    assert dict(zip(FILTERS, counted[0].tolist(), strict=True)) == {name: first[name] for name in FILTERS}
    assert kept.tolist() == [4]


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


def test_a_wanted_item_that_is_not_to_be_had_is_no_candidate() -> None:
    shop = catalog_of(("red-0", item("red-0", in_stock=False)), ("red-1", item("red-1")))
    found = candidates_of(shop, dials={"red-0": 1.0, "gone": 1.0})

    assert names(shop, found) == {"red-1"}
    assert found.filtered[0] == {"unavailable": 1}


def test_in_an_empty_catalogue_a_refused_item_is_no_candidate_either() -> None:
    found = candidates_of(catalog_of(), act("red-0"), act("red-1", -3.0))

    assert (len(found.rows), found.filtered[0]) == (0, {})
