"""What the source `factors` says of an item."""

import pytest

from features.item import key_of
from features.profile import NEW, Profile
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.explain.explanation import Answer, Subject
from inference.factors.file import Factors
from inference.recommender import Recommender
from inference.trained.source import PROPOSED_COUNT
from tests.harness.catalog import NOW, act, profile_of, without_picture
from tests.harness.factors import factors_of
from tests.harness.lists import catalog_of

MANY = {f"red-{n}": (1.0 - n / 300, 0.0) for n in range(PROPOSED_COUNT + 10)}
FACTORS = factors_of({**MANY, "blue-0": (0.0, 1.0)})
RED = profile_of(act("red-0"))


@pytest.fixture
def shop() -> Catalog:
    return catalog_of(*((name, without_picture(name)) for name in [*MANY, "blue-0", "new-0"]))


def answer(catalog: Catalog, factors: Factors | None, profile: Profile, name: str) -> Answer:
    recommender = Recommender(catalog, length=5)
    recommender.apply_trained("factors", factors)
    prepared = recommender.prepare([profile], NOW)
    found = recommender.explain(prepared, key_of("u1"), {}, NO_TRENDS, NOW, Subject(name, None)).item
    assert found is not None
    return next(each for each in found.sources if each.source == "factors")


def test_what_suits_the_user_is_proposed(shop: Catalog) -> None:
    assert answer(shop, FACTORS, RED, "red-1").code == "proposed"


def test_without_factors_the_source_says_that_it_is_left_out(shop: Catalog) -> None:
    assert answer(shop, None, RED, "red-1").code == "no_factors"


def test_an_item_without_a_factor_is_named(shop: Catalog) -> None:
    assert answer(shop, FACTORS, RED, "new-0").code == "no_factor"


@pytest.mark.parametrize("profile", [NEW, profile_of(act("new-0"))])
def test_a_user_without_a_choice_that_has_a_factor_has_nothing_to_go_out_from(shop: Catalog, profile: Profile) -> None:
    assert answer(shop, FACTORS, profile, "red-1").code == "no_choice_known"


def test_what_suits_less_is_compared_with_the_last_that_is_proposed(shop: Catalog) -> None:
    found = answer(shop, FACTORS, RED, f"red-{PROPOSED_COUNT + 9}")

    assert (found.code, found.proposals) == ("weaker", PROPOSED_COUNT)
    assert 0 < (found.strength or 0) < (found.weakest or 0) <= 1


def test_another_taste_has_no_strength(shop: Catalog) -> None:
    found = answer(shop, FACTORS, RED, "blue-0")

    assert (found.code, found.strength) == ("weaker", 0)
