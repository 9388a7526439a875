"""What the source `cross` says of an item."""

from dataclasses import replace

import numpy as np

from cli.user.why import answer_in_words
from features.item import Item, key_of
from features.profile import NEW, Profile
from features.trends import NO_TRENDS
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.explain.explanation import Answer, Subject
from inference.ranking.rules import ListRules
from inference.recommender import Recommender
from inference.retrieval.cross import COMPARED_LIMIT
from tests.harness.catalog import DIMENSIONS, ENCODER, NOW, act, item, profile_of, reds_and_blues, without_picture
from tests.harness.lists import catalog_of, steps_of

TOGETHER = steps_of(u2="red-0 blue-0 red-1 blue-1")
LIKED = profile_of(act("red-0"))
WITH_CROSS = ListRules(cross=True)


def answer(
    catalog: Catalog,
    name: str,
    *,
    profile: Profile = LIKED,
    recent: RecentSteps | None = TOGETHER,
    rules: ListRules = WITH_CROSS,
) -> Answer:
    recommender = Recommender(catalog, length=5, recent_steps=recent, rules=rules)
    found = recommender.explain(
        recommender.prepare([profile], NOW), key_of("u1"), {}, NO_TRENDS, NOW, Subject(name, None)
    ).item
    assert found is not None
    return next(each for each in found.sources if each.source == "cross")


def mixed(name: str, red: float, number: int) -> tuple[str, Item]:
    """A blue item with so much of what is red-0's own, and with a look of its own that its number decides."""
    vector = np.random.default_rng(number).standard_normal(DIMENSIONS).astype(np.float32) * np.float32(0.05)
    vector[1], vector[2] = 1.0, red
    own = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
    return name, replace(item("blue-0"), item_id=name, embeddings={ENCODER: own})


def shop(blues: int = 12) -> Catalog:
    return catalog_of(*reds_and_blues(8), *(mixed(f"b{n}", 0.02 * (n % 25), n) for n in range(blues)))


def test_what_is_less_alike_is_compared_with_the_weakest_that_is_proposed() -> None:
    assert answer(shop(), "b11").code == "proposed"
    found = answer(shop(), "b5")

    assert found.code == "weaker"
    assert found.strength is not None
    assert found.weakest is not None
    assert 0 <= found.strength < found.weakest


def test_a_category_that_is_not_chosen_with_the_interests_has_no_companion_among_them() -> None:
    other = catalog_of(*reds_and_blues(8), ("green", item("green", looks="blue-9", category="green")))

    assert answer(other, "green").code == "no_companion"
    assert answer(shop(), "red-5").code == "no_companion"
    assert answer(shop(), "b5", recent=RecentSteps(10)).code == "no_companion"


def test_a_large_category_has_items_that_are_not_compared() -> None:
    assert answer(shop(2 * COMPARED_LIMIT), "b1").code in ("not_compared", "weaker")
    assert "not_compared" in {answer(shop(2 * COMPARED_LIMIT), f"b{n}").code for n in (1, 2)}


def test_without_looks_interests_or_steps_it_has_nothing_to_say() -> None:
    described = catalog_of(*reds_and_blues(4), ("blue-9", without_picture("blue-9")))

    assert answer(described, "blue-9").code == "no_picture"
    assert answer(shop(), "b5", profile=NEW).code == "no_interests"
    assert answer(shop(), "b5", recent=None).code == "steps_unknown"


def test_by_default_it_is_turned_off_and_says_so() -> None:
    found = answer(shop(), "b5", rules=ListRules())

    assert (found.code, found.proposals) == ("turned_off", 0)
    assert "SIGHTLINE_ACROSS_CATEGORIES is off" in answer_in_words(found)
