from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from features.profile import Profile
from inference.catalog.catalog import Catalog
from inference.ranking.ranking import Ranking, WeightedRanker, rank
from inference.ranking.weights import WEIGHTS
from inference.retrieval.candidates import generate_candidates
from tests.harness.catalog import DAY, DIMENSIONS, ENCODER, NOW, act, item, profile_of, reds_and_blues
from tests.harness.lists import about, catalog_of, chosen_after, ids, query_of, ranked, slot_of, unlike_all


def test_who_clicks_red_gets_red() -> None:
    assert all(name.startswith("red") for name in ids(ranked(catalog_of(*reds_and_blues(12)), act("red-0"))))


def test_who_clicks_both_gets_both() -> None:
    found = ids(ranked(catalog_of(*reds_and_blues(12)), act("red-0"), act("blue-0"), act("red-1"), act("blue-1")))

    assert {name.partition("-")[0] for name in found} == {"red", "blue"}


def test_who_hides_red_gets_blue_first() -> None:
    found = ids(ranked(catalog_of(*reds_and_blues(6)), act("red-0", -3.0), length=6))

    assert all(name.startswith("blue") for name in found)


def test_what_others_chose_next_comes_before_what_is_just_popular() -> None:
    shop = catalog_of(*reds_and_blues(6))
    found = ranked(shop, act("red-0"), behaviours={"red-0": chosen_after(blue_3=8.0)}, trends={"blue-4": (9.0, 9.0)})

    assert ids(found).index("blue-3") < ids(found).index("blue-4")


def test_a_new_user_gets_the_most_popular_first() -> None:
    shop = catalog_of(*((f"{c}-{n}", item(f"{c}-{n}")) for c in ("red", "blue") for n in range(3)))

    assert ids(ranked(shop, trends={"blue-2": (9.0, 0.0), "red-1": (5.0, 0.0)}))[:2] == ["blue-2", "red-1"]


def test_of_equals_the_newer_comes_first() -> None:
    shop = catalog_of(("red-1", item("red-1", at_ms=NOW - DAY)), ("red-2", item("red-2", at_ms=NOW)))

    assert ids(ranked(shop)) == ["red-2", "red-1"]


def test_scores_fall_within_a_list_of_unlike_pictures() -> None:
    shop = catalog_of(*((f"i{n}", unlike_all(n)) for n in range(20)))
    scores = [slot.score for slot in ranked(shop, trends={f"i{n}": (20.0 - n, n) for n in range(20)}).items]

    assert scores == sorted(scores, reverse=True)


def test_the_same_again_gives_the_same_list() -> None:
    actions = [act("red-0"), act("blue-1"), act("red-3", -3.0)]
    first, second = (ranked(catalog_of(*reds_and_blues(12)), *actions) for _ in range(2))

    assert first == second


def test_a_list_is_to_the_last_bit_what_it_would_be_alone() -> None:
    random = np.random.default_rng(0)
    looks = random.standard_normal((300, DIMENSIONS)) + 2 * np.eye(DIMENSIONS)[np.arange(300) % 5]
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    shop = catalog_of(*(drawn(f"i{n}", each) for n, each in enumerate(looks)))
    liked = [random.integers(300, size=count).tolist() for count in (1, 7, 0, 30, 2)]
    profiles = [profile_of(*(act(f"i{n}", at_ms=NOW - 60_000 * n) for n in each)) for each in liked]

    together = lists_of(shop, profiles)

    assert together == [each for profile in profiles for each in lists_of(shop, [profile])]


def drawn(name: str, looks: NDArray[np.float64]) -> tuple[str, Item | None]:
    return name, replace(item("red-0"), item_id=name, embeddings={ENCODER: looks.astype("<f2").tobytes()})


def lists_of(catalog: Catalog, profiles: list[Profile]) -> list[Ranking]:
    query = query_of(catalog, profiles, [0] * len(profiles))
    return rank(WeightedRanker(), query, generate_candidates(query), length=10)


def test_a_category_that_is_wanted_more_comes_first_though_another_is_liked() -> None:
    found = ids(ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=6, dials={"blue": 1.0}))

    assert all(name.startswith("blue") for name in found)


def test_a_category_that_is_wanted_less_comes_last_though_it_is_liked() -> None:
    found = ids(ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=20, dials={"red": -0.9}))

    assert [name.partition("-")[0] for name in found] == ["blue"] * 6 + ["red"] * 5


def test_what_is_never_wanted_never_comes() -> None:
    found = ids(ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=20, dials={"red": -1.0}))

    assert sorted(found) == [f"blue-{n}" for n in range(6)]


def test_a_weight_moves_a_score_in_proportion() -> None:
    shop = catalog_of(*reds_and_blues(3))
    none, some, less = (
        slot_of(ranked(shop, act("red-0"), dials=dials), "red-1").score
        for dials in (None, {"red-1": 0.5}, {"red-1": -0.5})
    )

    assert (some - none, less - none) == (about(0.5 * WEIGHTS["you_asked"]), about(-0.5 * WEIGHTS["you_asked"]))


def test_dials_on_what_the_list_does_not_have_change_nothing() -> None:
    shop = catalog_of(*reds_and_blues(6))

    assert ranked(shop, act("red-0"), dials={"green": 1.0}) == ranked(shop, act("red-0"))


def test_where_little_is_left_the_list_is_short() -> None:
    assert len(ranked(catalog_of(*reds_and_blues(2)), act("red-0"), length=20).items) == 3


def test_where_nothing_is_left_the_list_is_empty() -> None:
    assert ranked(Catalog(DIMENSIONS), act("red-0")) == Ranking([], 1.0)
