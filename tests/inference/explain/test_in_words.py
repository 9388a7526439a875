from dataclasses import replace

from features.dials import NO_DIALS, turn
from inference.explain.in_words import in_words, with_looks
from tests.harness.catalog import act, item, profile_of, reds_and_blues
from tests.harness.lists import catalog_of


def test_an_interest_is_named_by_what_its_item_shows_the_largest_first() -> None:
    catalog = catalog_of(*reds_and_blues(3))
    words = in_words(profile_of(act("red-0"), act("blue-0"), act("blue-1", 2.0)), catalog)
    seen = {
        f"blue-{n}": item(f"blue-{n}", tags=(("gown", 0.9),), colours=(("white", 0.9), ("navy", 0.8))) for n in range(2)
    }
    blue, red = with_looks(words, seen).interests
    assert ([tag.name for tag in blue.tags], blue.colours) == (["dress"], [("navy", 0.8), ("white", 0.9)])
    assert (red.item_id, red.tags, red.colours) == ("red-0", (), ())
    assert blue.share > red.share


def test_a_stranger_has_no_interests() -> None:
    words = in_words(profile_of(), catalog_of(*reds_and_blues(1)))
    assert (words.known, words.interactions, words.last_at_ms, words.interests) == (False, 0, None, [])


def test_what_was_chosen_last_stands_first_and_what_left_the_catalogue_is_named_by_its_key() -> None:
    words = in_words(profile_of(act("red-0"), act("gone"), act("blue-0", -3.0)), catalog_of(*reds_and_blues(1)))
    assert [each.item_id[:1] for each in words.engaged] == ["#", "r"]
    assert ([each.item_id for each in words.refused], words.refused[0].weight) == (["blue-0"], 3.0)


def test_an_item_that_was_asked_for_is_a_dial_and_no_interest() -> None:
    wishing = replace(profile_of(act("red-0")), dials=turn(NO_DIALS, [("red-1", 1.0)]))
    words = in_words(wishing, catalog_of(*reds_and_blues(2)))
    assert ([each.item_id for each in words.interests], words.dials) == (["red-0"], {"red-1": 1.0})
