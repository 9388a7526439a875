from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from features.behaviour import UNKNOWN, Behaviour, Engagement, apply_engagement
from features.dials import NO_DIALS, turn
from features.item import Item, key_of
from features.ledger import EMPTY
from features.profile import Action, Profile
from features.recommendation import Reason, RecommendedItem
from features.trends import NO_TRENDS, update_trends
from inference.catalog.catalog import Catalog
from inference.ranking.ranking import EXPLORE_SLOT, SAME_PICTURE, Ranking, rank
from inference.ranking.reasons import WEIGHTS
from inference.retrieval.candidates import find_trends, generate_candidates
from inference.retrieval.tastes import find_tastes
from tests.harness.catalog import DAY, DIMENSIONS, ENCODER, NOW, act, item, profile_of, reds_and_blues, vector


def catalog_of(*changes: tuple[str, Item | None]) -> Catalog:
    catalog = Catalog(DIMENSIONS)
    catalog.apply(changes)
    return catalog


def ranked(
    catalog: Catalog,
    *actions: Action,
    length: int = 10,
    behaviours: Mapping[str, Behaviour] | None = None,
    trends: Mapping[str, tuple[float, float]] | None = None,
    dials: Mapping[str, float] | None = None,
) -> Ranking:
    """The list after some actions; `trends` are (popular, trend) by item."""
    profile = replace(profile_of(*actions), dials=turn(NO_DIALS, list((dials or {}).items())))
    tastes = find_tastes([profile], catalog, NOW)
    table = {key_of(name): Behaviour(EMPTY, *sums, NOW) for name, sums in (trends or {}).items()}
    known = find_trends(update_trends(NO_TRENDS, table, NOW), catalog, NOW)
    candidates = generate_candidates(
        tastes,
        [profile],
        [key_of("u1")],
        catalog,
        {key_of(name): behaviour for name, behaviour in (behaviours or {}).items()},
        known,
        NOW,
    )
    (ranking,) = rank(candidates, tastes, catalog, known, length=length, now_ms=NOW)
    return ranking


def names(ranking: Ranking) -> list[str]:
    return [slot.item_id for slot in ranking.items]


def slot_of(ranking: Ranking, name: str) -> RecommendedItem:
    return ranking.items[names(ranking).index(name)]


def followed_by(name: str, weight: float) -> Behaviour:
    return apply_engagement(UNKNOWN, Engagement(0, NOW, 1.0, ((key_of(name), weight),), 0, 0))


def about(value: float) -> Any:
    """Equal to `value` within what float16 leaves of it."""
    return pytest.approx(value, abs=2e-3)


def at_angle(name: str, cosine: float, **facts: Any) -> Item:
    """An item whose picture has this cosine to red-0's, and none to any other's."""
    own = np.zeros(DIMENSIONS, np.float32)
    own[DIMENSIONS - 1] = 1
    looks = cosine * vector("red-0") + np.sqrt(1 - cosine**2) * own
    return replace(item("red-0", **facts), item_id=name, embeddings={ENCODER: looks.astype("<f2").tobytes()})


# The order


def test_who_clicks_red_gets_red() -> None:
    assert all(name.startswith("red") for name in names(ranked(catalog_of(*reds_and_blues(12)), act("red-0"))))


def test_who_clicks_both_gets_both() -> None:
    found = names(ranked(catalog_of(*reds_and_blues(12)), act("red-0"), act("blue-0"), act("red-1"), act("blue-1")))

    assert {name.partition("-")[0] for name in found} == {"red", "blue"}


def test_who_hides_red_gets_blue_first() -> None:
    found = names(ranked(catalog_of(*reds_and_blues(6)), act("red-0", -3.0), length=6))

    assert all(name.startswith("blue") for name in found)


def test_what_others_chose_next_comes_before_what_is_just_popular() -> None:
    shop = catalog_of(*reds_and_blues(6))
    found = ranked(shop, act("red-0"), behaviours={"red-0": followed_by("blue-3", 8.0)}, trends={"blue-4": (9.0, 9.0)})

    assert names(found).index("blue-3") < names(found).index("blue-4")


def test_a_new_user_gets_the_most_popular_first() -> None:
    shop = catalog_of(*((f"{c}-{n}", item(f"{c}-{n}")) for c in ("red", "blue") for n in range(3)))

    assert names(ranked(shop, trends={"blue-2": (9.0, 0.0), "red-1": (5.0, 0.0)}))[:2] == ["blue-2", "red-1"]


def test_of_equals_the_newer_comes_first() -> None:
    shop = catalog_of(("red-1", item("red-1", at_ms=NOW - DAY)), ("red-2", item("red-2", at_ms=NOW)))

    assert names(ranked(shop)) == ["red-2", "red-1"]


def test_scores_fall_within_a_list_of_unlike_pictures() -> None:
    shop = catalog_of(*((f"i{n}", _axis(n)) for n in range(20)))
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
    trends = find_trends(NO_TRENDS, catalog, NOW)
    tastes = find_tastes(profiles, catalog, NOW)
    candidates = generate_candidates(tastes, profiles, [0] * len(profiles), catalog, {}, trends, NOW)
    return rank(candidates, tastes, catalog, trends, length=10, now_ms=NOW)


def _axis(number: int, **facts: Any) -> Item:
    looks = np.zeros(DIMENSIONS, np.float32)
    looks[number] = 1
    return replace(item("red-0", **facts), item_id=f"i{number}", embeddings={ENCODER: looks.astype("<f2").tobytes()})


# The user's own dials


def test_a_category_that_is_wanted_more_comes_first_though_another_is_liked() -> None:
    found = names(ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=6, dials={"blue": 1.0}))

    assert all(name.startswith("blue") for name in found)


def test_a_category_that_is_wanted_less_comes_last_though_it_is_liked() -> None:
    found = names(ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=20, dials={"red": -0.9}))

    assert [name.partition("-")[0] for name in found] == ["blue"] * 6 + ["red"] * 5


def test_what_is_never_wanted_never_comes() -> None:
    found = names(ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=20, dials={"red": -1.0}))

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


# Diversity


def test_one_picture_stands_in_the_list_once() -> None:
    copies = [(f"copy-{n}", at_angle(f"copy-{n}", SAME_PICTURE + 0.005)) for n in range(5)]
    shop = catalog_of(*reds_and_blues(6), *copies)
    found = names(ranked(shop, act("red-1"), length=20))

    assert sum(name.startswith("copy") or name == "red-0" for name in found) == 1


def test_alike_pictures_take_turns_with_unlike_ones() -> None:
    close = [(f"close-{n}", _close(n)) for n in range(8)]
    shop = catalog_of(*close, ("red-9", item("red-9")), ("red-5", item("red-5")))
    found = names(ranked(shop, act("red-5"), length=4))

    # By score alone the first four were all close to one another.
    assert "red-9" in found


def _close(number: int) -> Item:
    """Items that look alike with cosine 0.95, and a little more like red-5 than other reds."""
    looks = 0.95 * (0.85 * vector("red-5") + np.sqrt(1 - 0.85**2) * np.eye(DIMENSIONS, dtype=np.float32)[-1])
    looks[40 + number] = np.sqrt(1 - float(looks @ looks))
    return replace(item("red-0"), item_id=f"close-{number}", embeddings={ENCODER: looks.astype("<f2").tobytes()})


def test_a_list_of_unlike_pictures_is_more_diverse_than_one_of_alike_ones() -> None:
    unlike = ranked(catalog_of(*((f"i{n}", _axis(n)) for n in range(6))))
    alike = ranked(catalog_of(*reds_and_blues(6)), act("red-0"), length=5)

    assert unlike.diversity == pytest.approx(1.0)
    assert alike.diversity == pytest.approx(0.3, abs=0.01)


def test_where_everything_is_the_same_picture_the_list_has_one_slot() -> None:
    found = ranked(catalog_of(*((f"i{n}", item(f"i{n}", looks="red-0")) for n in range(20))))

    assert len(found.items) == 1
    assert found.diversity == 1.0


# Reasons


def test_looks_like_names_the_item_of_the_users_that_is_most_alike() -> None:
    shop = catalog_of(*reds_and_blues(4), ("twin", at_angle("twin", 0.9)))
    first, *_ = slot_of(ranked(shop, act("red-0"), act("red-1"), act("blue-1")), "twin").reasons

    assert first == Reason(code="looks_like", item_id="red-0", similarity=about(0.9))


def test_chosen_after_names_the_item_after_which_it_was_chosen() -> None:
    shop = catalog_of(*reds_and_blues(6))
    behaviours = {"red-0": followed_by("blue-3", 1.0), "red-1": followed_by("blue-3", 8.0)}
    slot = slot_of(ranked(shop, act("red-1"), act("red-0"), behaviours=behaviours, length=20), "blue-3")

    assert slot.reasons[0].code == "chosen_after"
    assert slot.reasons[0].item_id == "red-1"
    assert slot.reasons[0].strength == pytest.approx(0.8 * 8 / 13 + 1 / 6, abs=1e-3)


def test_same_category_names_the_category_and_its_share() -> None:
    shop = catalog_of(*reds_and_blues(3), ("other", replace(_axis(60), item_id="other", category="red")))
    slot = slot_of(ranked(shop, act("red-0"), act("red-1")), "other")

    assert slot.reasons[0] == Reason(code="same_category", category="red", strength=about(1.0))


def test_same_colour_names_the_colour_that_both_share_most_of() -> None:
    shoe, shirt = (("green", 0.7), ("black", 0.3)), (("black", 0.2), ("green", 0.8))
    shop = catalog_of(
        ("red-0", item("red-0", colours=shoe)),
        ("other", replace(_axis(60), item_id="other", category=None, colours=shirt)),
    )
    slot = slot_of(ranked(shop, act("red-0")), "other")

    assert slot.reasons[0] == Reason(code="same_colour", colour="green", strength=about(0.62 / np.sqrt(0.58 * 0.68)))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("red", Reason(code="you_asked", category="red", strength=0.5)),
        ("red-1", Reason(code="you_asked", item_id="red-1", strength=0.5)),
        ("shop", Reason(code="you_asked", strength=0.5)),
    ],
)
def test_you_asked_names_the_category_or_the_item_but_no_owner(name: str, reason: Reason) -> None:
    slot = slot_of(ranked(catalog_of(*reds_and_blues(3)), dials={name: 0.5}), "red-1")

    assert slot.reasons == [reason]


def test_what_is_wanted_less_is_no_reason() -> None:
    found = ranked(catalog_of(*reds_and_blues(3)), act("red-0"), dials={"red": -0.5, "blue": -0.5})

    assert "you_asked" not in {reason.code for slot in found.items for reason in slot.reasons}


def test_an_item_without_colours_shares_none() -> None:
    shop = catalog_of(("red-0", item("red-0", colours=(("green", 1.0),))), ("blue-0", item("blue-0")))

    assert "same_colour" not in {reason.code for reason in slot_of(ranked(shop, act("red-0")), "blue-0").reasons}


def test_trending_and_popular_say_how_much_of_the_strongest() -> None:
    shop = catalog_of(*reds_and_blues(2))
    found = ranked(shop, trends={"red-0": (10.0, 2.0), "blue-1": (5.0, 4.0)})

    assert slot_of(found, "red-0").reasons == [
        Reason(code="popular", strength=1.0),
        Reason(code="trending", strength=0.5),
    ]
    assert {reason.code: reason.strength for reason in slot_of(found, "blue-1").reasons} == {
        "trending": 1.0,
        "popular": 0.5,
    }


def test_new_says_how_old_the_item_is() -> None:
    shop = catalog_of(("red-0", item("red-0", at_ms=NOW - 5_000)))

    assert ranked(shop).items[0].reasons == [Reason(code="new", age_ms=5_000)]


def test_an_item_from_the_future_is_of_age_0() -> None:
    shop = catalog_of(("red-0", item("red-0", at_ms=NOW + 5_000)))

    assert ranked(shop).items[0].reasons == [Reason(code="new", age_ms=0)]


def test_every_slot_has_a_reason_the_strongest_first() -> None:
    shop = catalog_of(*reds_and_blues(12))
    behaviours = {"red-0": followed_by("blue-3", 8.0)}
    found = ranked(
        shop, act("red-0"), act("red-1", -3.0), behaviours=behaviours, trends={"red-2": (9.0, 9.0)}, length=20
    )

    assert all(slot.reasons for slot in found.items)
    assert slot_of(found, "red-2").reasons[0].code == "looks_like"
    assert len({slot.item_id for slot in found.items}) == len(found.items) == 20


def test_an_item_that_nothing_speaks_for_is_shown_as_new() -> None:
    shop = catalog_of(("i60", replace(_axis(60, at_ms=0), category=None)), *reds_and_blues(1))

    assert slot_of(ranked(shop, act("red-0"), act("blue-0")), "i60").reasons == [Reason(code="new", age_ms=NOW)]


# The slot for the unknown


def popular_reds_and(*changes: tuple[str, Item]) -> tuple[Catalog, dict[str, tuple[float, float]]]:
    reds = [f"red-{n}" for n in range(20)]
    return catalog_of(*((name, item(name)) for name in reds), *changes), dict.fromkeys(reds, (5.0, 5.0))


def test_a_list_of_known_items_keeps_a_slot_for_a_new_one() -> None:
    shop, trends = popular_reds_and(("new", replace(_axis(60, at_ms=NOW), item_id="new", category=None)))
    found = ranked(shop, act("red-19"), trends=trends, length=12)

    assert names(found)[EXPLORE_SLOT] == "new"
    assert [slot.explore for slot in found.items] == [n == EXPLORE_SLOT for n in range(12)]
    assert len(set(names(found))) == 12


def test_a_copy_of_what_the_list_has_is_nothing_to_explore() -> None:
    shop, trends = popular_reds_and(("copy", at_angle("copy", 0.999, at_ms=NOW, category=None)))
    many = {f"r{n}": item(f"r{n}", looks="red-0", at_ms=NOW - n) for n in range(70)}
    trends["red-0"] = (9.0, 9.0)  # it is in the list for sure
    shop.apply(list(many.items()))  # the nearest 64 are copies too, so some are fresh alone
    found = ranked(shop, act("red-19"), trends=trends, length=12)

    assert not any(slot.explore for slot in found.items)
    vectors = np.stack([shop.pictures.vectors(shop.rows_of(np.array([key_of(n)], np.uint64)))[0] for n in names(found)])
    assert (vectors @ vectors.T - np.eye(12)).max() < SAME_PICTURE


def test_a_list_that_has_a_new_item_already_explores_no_other() -> None:
    found = ranked(catalog_of(*((f"i{n}", _axis(n, at_ms=NOW)) for n in range(20))), length=12)

    assert not any(slot.explore for slot in found.items)


def test_a_short_list_explores_nothing() -> None:
    shop, trends = popular_reds_and(("new", replace(_axis(60, at_ms=NOW), item_id="new", category=None)))

    assert not any(slot.explore for slot in ranked(shop, act("red-19"), trends=trends, length=EXPLORE_SLOT).items)


# Few and none


def test_where_little_is_left_the_list_is_short() -> None:
    assert len(ranked(catalog_of(*reds_and_blues(2)), act("red-0"), length=20).items) == 3


def test_where_nothing_is_left_the_list_is_empty() -> None:
    assert ranked(Catalog(DIMENSIONS), act("red-0")) == Ranking([], 1.0)


def test_a_list_of_one_is_as_diverse_as_can_be() -> None:
    assert ranked(catalog_of(*reds_and_blues(2)), length=1).diversity == 1.0
