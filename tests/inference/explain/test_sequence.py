"""What the source `sequence` says of an item."""

import pytest

from features.item import key_of
from features.profile import NEW, Profile
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.explain.explanation import Answer, Subject
from inference.recommender import Recommender
from inference.sequence.model import SequenceModel
from inference.trained.source import PROPOSED_COUNT
from tests.harness.catalog import NOW, act, profile_of, without_picture
from tests.harness.lists import catalog_of
from tests.harness.sequences import next_of

MANY = {f"red_{n}": f"red-{n + 1}" for n in range(PROPOSED_COUNT + 10)}
MODEL = next_of(**MANY)
RED = profile_of(act("red-0"))


@pytest.fixture
def shop() -> Catalog:
    every = (*(name.replace("_", "-") for name in MANY), f"red-{len(MANY)}", "new-0")
    return catalog_of(*((name, without_picture(name)) for name in every))


def answer(catalog: Catalog, model: SequenceModel | None, profile: Profile, name: str) -> Answer:
    recommender = Recommender(catalog, length=5)
    recommender.apply_trained("sequence", model)
    prepared = recommender.prepare([profile], NOW)
    found = recommender.explain(prepared, key_of("u1"), {}, NO_TRENDS, NOW, Subject(name, None)).item
    assert found is not None
    return next(each for each in found.sources if each.source == "sequence")


def test_what_is_likely_next_is_proposed(shop: Catalog) -> None:
    assert answer(shop, MODEL, RED, "red-1").code == "proposed"


def test_without_a_model_the_source_says_that_it_is_left_out(shop: Catalog) -> None:
    assert answer(shop, None, RED, "red-1").code == "no_model"


def test_an_item_that_the_model_does_not_know_is_named(shop: Catalog) -> None:
    assert answer(shop, MODEL, RED, "new-0").code == "unknown_to_model"


@pytest.mark.parametrize("profile", [NEW, profile_of(act("new-0"))])
def test_a_user_without_a_choice_that_the_model_knows_has_nothing_to_go_out_from(
    shop: Catalog, profile: Profile
) -> None:
    assert answer(shop, MODEL, profile, "red-1").code == "no_choice_known"


def test_what_is_less_likely_is_compared_with_the_last_that_is_proposed(shop: Catalog) -> None:
    found = answer(shop, MODEL, RED, f"red-{len(MANY)}")

    assert (found.code, found.proposals) == ("weaker", PROPOSED_COUNT)
    assert 0 < (found.strength or 0) <= (found.weakest or 0) < 1
