from dataclasses import replace

import numpy as np
import pytest

from features.recommendation import Reason
from tests.harness.catalog import NOW, act, item, reds_and_blues
from tests.harness.lists import about, at_angle, catalog_of, chosen_after, ranked, slot_of, unlike_all


def test_looks_like_names_the_item_of_the_users_that_is_most_alike() -> None:
    shop = catalog_of(*reds_and_blues(4), ("twin", at_angle("twin", 0.9)))
    first, *_ = slot_of(ranked(shop, act("red-0"), act("red-1"), act("blue-1")), "twin").reasons

    assert first == Reason(code="looks_like", item_id="red-0", similarity=about(0.9))


def test_chosen_after_names_the_item_after_which_it_was_chosen() -> None:
    shop = catalog_of(*reds_and_blues(6))
    behaviours = {"red-0": chosen_after(blue_3=1.0), "red-1": chosen_after(blue_3=8.0)}
    slot = slot_of(ranked(shop, act("red-1"), act("red-0"), behaviours=behaviours, length=20), "blue-3")

    assert slot.reasons[0].code == "chosen_after"
    assert slot.reasons[0].item_id == "red-1"
    assert slot.reasons[0].strength == pytest.approx(0.8 * 8 / 13 + 1 / 6, abs=1e-3)


def test_same_category_names_the_category_and_its_share() -> None:
    shop = catalog_of(*reds_and_blues(3), ("other", replace(unlike_all(60), item_id="other", category="red")))
    slot = slot_of(ranked(shop, act("red-0"), act("red-1")), "other")

    assert slot.reasons[0] == Reason(code="same_category", category="red", strength=about(1.0))


def test_same_colour_names_the_colour_that_both_share_most_of() -> None:
    shoe, shirt = (("green", 0.7), ("black", 0.3)), (("black", 0.2), ("green", 0.8))
    shop = catalog_of(
        ("red-0", item("red-0", colours=shoe)),
        ("other", replace(unlike_all(60), item_id="other", category=None, colours=shirt)),
    )
    slot = slot_of(ranked(shop, act("red-0")), "other")

    assert slot.reasons[0] == Reason(code="same_colour", colour="green", strength=about(0.62 / np.sqrt(0.58 * 0.68)))


def test_same_colour_names_a_colour_rather_than_the_grey_beside_it() -> None:
    cap = (("grey", 0.5), ("yellow", 0.4))
    other = replace(unlike_all(60), item_id="other", category=None, colours=cap)
    shop = catalog_of(("red-0", item("red-0", colours=cap)), ("other", other))

    assert slot_of(ranked(shop, act("red-0")), "other").reasons[0].colour == "yellow"


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
    behaviours = {"red-0": chosen_after(blue_3=8.0)}
    found = ranked(
        shop, act("red-0"), act("red-1", -3.0), behaviours=behaviours, trends={"red-2": (9.0, 9.0)}, length=20
    )

    assert all(slot.reasons for slot in found.items)
    assert slot_of(found, "red-2").reasons[0].code == "looks_like"
    assert len({slot.item_id for slot in found.items}) == len(found.items) == 20


def test_an_item_that_nothing_speaks_for_is_shown_as_new() -> None:
    shop = catalog_of(("i60", replace(unlike_all(60, at_ms=0), category=None)), *reds_and_blues(1))

    assert slot_of(ranked(shop, act("red-0"), act("blue-0")), "i60").reasons == [Reason(code="new", age_ms=NOW)]
