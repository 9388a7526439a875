from itertools import pairwise

import pytest

from features.item import key_of
from features.profile import NEW, Profile
from inference.catalog.catalog import Catalog
from inference.retrieval.candidates import count_sources, generate_candidates
from inference.retrieval.sources.table import SOURCE_NAMES
from tests.harness.catalog import DIMENSIONS, act, profile_of, reds_and_blues
from tests.harness.lists import candidates_of, catalog_of, names, query_of


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def test_each_candidate_has_its_dial(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"), dials={"red": 0.25, "red-3": -1.0})

    weights = zip(found.rows.tolist(), found.wishes.weights.tolist(), strict=True)
    assert {catalog.item_ids[row].partition("-")[0]: weight for row, weight in weights} == {"red": 0.25, "blue": 0.0}


def test_who_has_no_dials_has_no_wishes(catalog: Catalog) -> None:
    assert not candidates_of(catalog, act("red-0")).wishes.weights.any()


def test_in_an_empty_catalogue_dials_find_nothing() -> None:
    found = candidates_of(catalog_of(), dials={"red-0": 1.0, "red": -1.0})

    assert (len(found.rows), found.filtered[0]) == (0, {})


def test_an_empty_catalogue_has_no_candidates() -> None:
    found = candidates_of(Catalog(DIMENSIONS), act("red-0"), trends={"red-0": (1.0, 1.0)})

    assert len(found.rows) == 0
    assert found.filtered[0] == {}
    assert [count_sources(each) for each in found.sources_of()] == [dict.fromkeys(SOURCE_NAMES, 0)]


def test_a_user_with_only_refused_items_gets_the_rest(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0", -3.0), act("red-1", -3.0))

    assert names(catalog, found) == {f"red-{n}" for n in range(2, 8)} | {f"blue-{n}" for n in range(8)}


def test_a_user_of_unknown_items_gets_what_a_new_one_gets(catalog: Catalog) -> None:
    assert names(catalog, candidates_of(catalog, act("gone"))) == names(catalog, candidates_of(catalog))


def test_users_of_one_batch_each_get_their_own(catalog: Catalog) -> None:
    profiles: list[Profile] = [profile_of(act("red-0")), NEW, profile_of(act("blue-0"), act("red-0")), NEW]
    together = generate_candidates(query_of(catalog, profiles, [key_of(f"u{n}") for n in range(4)]))
    alone = [candidates_of(catalog, *actions) for actions in ([act("red-0")], [], [act("blue-0"), act("red-0")], [])]

    for user, (each, (start, end)) in enumerate(zip(alone, pairwise(together.bounds.tolist()), strict=True)):
        assert together.rows[start:end].tolist() == each.rows.tolist()
        assert together.sources[start:end].tolist() == each.sources.tolist()
        assert (together.users[start:end] == user).all()
        assert together.filtered[user] == each.filtered[0]
        assert together.sources_of()[user].tolist() == each.sources_of()[0].tolist()
