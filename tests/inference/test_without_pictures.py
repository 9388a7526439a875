"""Items without a picture stand in lists by what users do, by category and by age, and never by looks."""

import numpy as np
import pytest

from features.item import Item, key_of
from features.profile import NEW, Profile
from features.search_filter import NO_FILTER, SearchFilter
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.catalog.search import find_similar
from inference.recommender import Recommended, Recommender
from inference.retrieval.tastes import find_tastes
from tests.harness.catalog import MINUTE, NOW, act, item, profile_of, reds_and_blues, vector, without_picture
from tests.harness.lists import candidates_of, catalog_of, chosen_after, ids, names, ranked, slot_of, steps_of


def described(count: int, category: str = "hats", **facts: object) -> list[tuple[str, Item | None]]:
    """`hats-0` to the last, each described an hour after the one before it."""
    names = [f"{category}-{n}" for n in range(count)]
    return [
        (name, without_picture(name, described_at_ms=NOW - 60 * MINUTE * (count - n), **facts))
        for n, name in enumerate(names)
    ]


def feed(catalog: Catalog, profile: Profile, length: int = 20) -> Recommended:
    recommender = Recommender(catalog, length=length)
    prepared = recommender.prepare([profile], NOW)
    (made,) = recommender.recommend(prepared, [key_of("u1")], {}, NO_TRENDS, NOW)
    return made


@pytest.mark.parametrize("profile", [NEW, profile_of(act("hats-3"))], ids=["a stranger", "who chose one"])
def test_a_catalogue_without_any_picture_fills_lists_by_age(profile: Profile) -> None:
    made = feed(catalog_of(*described(60)), profile)

    assert ids(made.ranking) == [f"hats-{n}" for n in range(59, 39, -1)]
    assert {slot.source for slot in made.ranking.items} == {"fresh"}
    assert made.ranking.diversity == 1.0


def test_items_without_a_picture_are_no_copies_of_each_other_and_copies_stay_copies() -> None:
    shop = catalog_of(*described(5), *((f"red-{n}", item(f"red-{n}", looks="red-0")) for n in range(5)))

    assert len(ids(feed(shop, NEW).ranking)) == 6
    assert shop.choices == 6


def test_what_looks_like_an_interest_leaves_the_rest_of_a_short_list_to_items_without_a_picture() -> None:
    made = feed(catalog_of(*reds_and_blues(3), *described(60)), profile_of(act("red-0"), act("hats-50")))
    sources = {slot.item_id: slot.source for slot in made.ranking.items}

    assert len(sources) == 20
    assert {name for name, source in sources.items() if source == "visual"} == {"red-1", "red-2"} | {
        name for name in sources if name.startswith("blue")
    }


def test_each_source_but_looks_proposes_them() -> None:
    shop = catalog_of(*reds_and_blues(4), *described(4))
    found = candidates_of(
        shop,
        act("red-0"),
        behaviours={"red-0": chosen_after(hats_0=1.0)},
        recent_steps=steps_of(u2="red-0 hats-1"),
        trends={"hats-2": (1.0, 1.0)},
    )

    sources = ("visual", "neighbours", "sessions", "trending", "fresh")
    assert [{name for name in names(shop, found, source) if name.startswith("hats")} for source in sources] == [
        set(),
        {"hats-0"},
        {"hats-1"},
        {"hats-2"},
        {"hats-3"},
    ]


def test_they_are_ranked_by_what_speaks_for_them_and_say_so() -> None:
    shop = catalog_of(*reds_and_blues(4), *described(4))
    made = ranked(shop, act("hats-0"), act("red-0"), behaviours={"red-0": chosen_after(hats_1=1.0)})
    reasons = {reason.code for reason in slot_of(made, "hats-1").reasons}

    assert "chosen_after" in reasons
    assert "same_category" in {reason.code for reason in slot_of(made, "hats-3").reasons}
    assert all(reason.code != "looks_like" for slot in made.items if "hats" in slot.item_id for reason in slot.reasons)


@pytest.mark.parametrize(
    ("facts", "taken"),
    [({"hidden": True}, "unavailable"), ({"expires_at_ms": NOW}, "unavailable"), ({"owner": "u1"}, "own")],
)
def test_filters_take_them_out(facts: dict[str, object], taken: str) -> None:
    shop = catalog_of(*reds_and_blues(2), ("hats-0", without_picture("hats-0", **facts)))
    (filtered,) = candidates_of(shop, act("red-0"), behaviours={"red-0": chosen_after(hats_0=1.0)}).filtered

    assert filtered[taken] == 1


def test_a_dial_asks_for_one_and_nothing_looks_like_it() -> None:
    shop = catalog_of(*reds_and_blues(4), *described(4))
    found = candidates_of(shop, dials={"hats-1": 0.9, "red-1": 0.5})

    assert {"hats-1", "red-1", "red-2"} <= names(shop, found)
    assert find_tastes([NEW], shop, NOW).medoids()[0].tolist() == []
    assert ids(ranked(shop, dials={"hats-1": 0.9}))[0] == "hats-1"
    assert ids(ranked(shop, dials={"hats": -1.0}))[0][:4] != "hats"


def test_what_was_chosen_without_a_picture_shapes_categories_and_no_interest() -> None:
    shop = catalog_of(*reds_and_blues(4), *described(4))
    tastes = find_tastes([profile_of(act("red-0"), act("hats-1"), act("hats-2"))], shop, NOW)
    hats = shop.category_code("hats")

    assert tastes.interests.shares[0].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert [shop.item_ids[row] for row in tastes.medoids()[0]] == ["red-0"]
    assert tastes.categories[0, hats] > 0.5


async def test_a_picture_is_never_answered_with_them() -> None:
    shop = catalog_of(*reds_and_blues(4), *described(20), *described(4, "red", price=5.0))
    for only in (NO_FILTER, SearchFilter("hats", None, None), SearchFilter(None, None, 9.0)):
        rows = await find_similar(shop, vector("red-0"), 10, only)
        assert shop.pictures.has(rows).all()


def test_a_picture_that_arrives_lets_looks_speak_for_the_item() -> None:
    shop = catalog_of(*reds_and_blues(4), ("red-9", without_picture("red-9")))
    assert "red-9" not in names(shop, candidates_of(shop, act("red-0")), "visual")
    shop.apply([("red-9", item("red-9"))])
    assert "red-9" in names(shop, candidates_of(shop, act("red-0")), "visual")


def test_what_the_index_finds_is_what_it_finds_without_them() -> None:
    plain, mixed = catalog_of(*reds_and_blues(30)), catalog_of(*described(40), *reds_and_blues(30), *described(9, "x"))
    queries = np.stack([vector("red-3"), vector("blue-7")])
    answers = [
        [[shop.item_ids[row] for row in rows] for rows in shop.pictures.search(queries, 20)[0]]
        for shop in (plain, mixed)
    ]

    assert answers[0] == answers[1]
    assert mixed.pictures.indexed == plain.pictures.indexed == 60
