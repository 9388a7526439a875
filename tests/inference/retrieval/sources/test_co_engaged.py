import pytest

from features.item import key_of
from features.profile import NEW
from inference.catalog.catalog import Catalog
from inference.retrieval.sources.co_engaged import recent_items
from tests.harness.catalog import NOW, act, item, profile_of, reds_and_blues, vector
from tests.harness.lists import candidates_of, catalog_of, chosen_after, names, unlike_all, value


@pytest.fixture
def catalog() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def test_the_latest_five_items_are_asked_about() -> None:
    profile = profile_of(*(act(f"red-{n}") for n in range(7)))

    assert recent_items(profile) == [key_of(f"red-{n}") for n in (6, 5, 4, 3, 2)]
    assert recent_items(NEW) == []


def test_what_others_chose_next_is_a_candidate_with_its_evidence() -> None:
    new = [(f"i{n}", unlike_all(n, at_ms=NOW)) for n in range(60)]
    reds = [(f"r{n}", item(f"r{n}", looks=f"red-{n % 32}")) for n in range(100)]
    far = (-vector("red-0")).astype("<f2").tobytes()
    blues = [(f"blue-{n}", item(f"blue-{n}", embedding=far)) for n in (1, 2)]
    many = catalog_of(*reds, *blues, *new)
    behaviours = {"r0": chosen_after(blue_1=1.0), "r1": chosen_after(blue_1=3.0, blue_2=1.0)}
    found = candidates_of(many, act("r0"), act("r1"), behaviours=behaviours)

    assert names(many, found, "neighbours") == {"blue-1", "blue-2"}
    assert value(many, found, "strengths", "blue-1") == pytest.approx(3 / 9 + 0.8 * 1 / 6)
    assert value(many, found, "origins", "blue-1") == many.row_of("r1")
    assert value(many, found, "strengths", "r5") == 0
    assert value(many, found, "origins", "r5") == -1


def test_followers_of_an_item_that_left_the_catalogue_are_no_candidates(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("gone"), behaviours={"gone": chosen_after(red_1=5.0)})

    assert not found.strengths.any()
    assert (found.origins == -1).all()


def test_followers_that_left_the_catalogue_are_no_candidates(catalog: Catalog) -> None:
    found = candidates_of(catalog, act("red-0"), behaviours={"red-0": chosen_after(gone=5.0)})

    assert not found.strengths.any()


def test_the_strength_of_a_neighbour_is_at_most_1(catalog: Catalog) -> None:
    behaviours = {f"red-{n}": chosen_after(blue_1=8.0) for n in range(5)}
    found = candidates_of(catalog, *(act(f"red-{n}") for n in range(5)), behaviours=behaviours)

    assert value(catalog, found, "strengths", "blue-1") == 1.0
