"""What the source `sessions` says of an item."""

import numpy as np
import pytest

from features.item import Item, key_of
from features.profile import NEW, Profile
from features.trends import NO_TRENDS
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.explain.explanation import Answer, Subject
from inference.recommender import Recommender
from inference.retrieval.sources.sessions import PROPOSED_COUNT
from tests.harness.catalog import DIMENSIONS, NOW, act, item, profile_of, reds_and_blues
from tests.harness.lists import catalog_of, steps_of

RED = profile_of(act("red-0"), act("red-1"))


@pytest.fixture
def shop() -> Catalog:
    return catalog_of(*reds_and_blues(8))


def answer(catalog: Catalog, recent: RecentSteps | None, profile: Profile, name: str) -> Answer:
    recommender = Recommender(catalog, length=5, recent_steps=recent)
    prepared = recommender.prepare([profile], NOW)
    found = recommender.explain(prepared, key_of("u1"), {}, NO_TRENDS, NOW, Subject(name, None)).item
    assert found is not None
    assert recent is None or not recent.scratch.any()
    return next(each for each in found.sources if each.source == "sessions")


def test_what_others_chose_around_the_users_items_is_proposed(shop: Catalog) -> None:
    assert answer(shop, steps_of(u2="red-0 blue-5"), RED, "blue-5").code == "proposed"


def test_a_source_without_steps_says_that_it_is_left_out(shop: Catalog) -> None:
    assert answer(shop, None, RED, "blue-5").code == "steps_unknown"


def test_a_user_who_chose_nothing_has_nothing_to_go_out_from(shop: Catalog) -> None:
    assert answer(shop, steps_of(u2="red-0 blue-5"), NEW, "blue-5").code == "nothing_chosen"


@pytest.mark.parametrize("recent", [RecentSteps(10), steps_of(u1="red-0 blue-5"), steps_of(u2="blue-5 blue-6")])
def test_items_that_nobody_else_came_by_lead_nowhere(shop: Catalog, recent: RecentSteps) -> None:
    found = answer(shop, recent, RED, "blue-5")

    assert (found.code, found.latest, found.known) == ("no_visit", 2, 0)


def test_what_nobody_chose_around_the_users_items_has_no_votes(shop: Catalog) -> None:
    found = answer(shop, steps_of(u2="red-0 blue-1", u1="red-0 red-1", u3="blue-5"), RED, "blue-5")

    assert (found.code, found.latest, found.known, found.proposals) == ("not_around", 2, 1, 1)


def test_what_has_fewer_votes_than_all_that_are_proposed_is_compared_with_the_last_of_them() -> None:
    shop = catalog_of(*((name, of_its_own(name)) for name in ["hub", *(f"i{n}" for n in range(400))]))
    ways = {f"v{n}": "hub " + " ".join(f"i{10 * n + k}" for k in range(10)) for n in range(40)}
    found = answer(shop, steps_of(**ways), profile_of(act("hub")), "i399")

    assert (found.code, found.proposals) == ("weaker", PROPOSED_COUNT)
    assert found.strength is not None
    assert found.weakest is not None
    assert 0 < found.strength < found.weakest < 1


def of_its_own(name: str) -> Item:
    """An item with a picture like no other."""
    looks = np.random.default_rng(key_of(name)).standard_normal(DIMENSIONS)
    return item("red-0", item_id=name, embedding=(looks / np.linalg.norm(looks)).astype("<f2").tobytes())
