import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.co_choices.choice import LINKING_WEIGHT, Choice, choice_of
from features.item import key_of
from features.profile import NEW, Action, most_of, profile_after, weigh
from tests.harness.catalog import NOW, act, profile_of

SEVEN = profile_of(*(act(f"red-{n}") for n in range(7)))


def test_a_users_first_click_concerns_one_item() -> None:
    assert choice_of(NEW, act("red-1"), source=3, offset=10) == Choice(key_of("red-1"), NOW, 1.0, (), 3, 20)


def test_a_choice_names_the_last_items_chosen_before_it() -> None:
    assert choice_of(SEVEN, act("red-9"), source=0, offset=0).nearby == tuple(
        key_of(f"red-{n}") for n in (6, 5, 4, 3, 2)
    )


@pytest.mark.parametrize(("window", "count"), [(0, 0), (1, 1), (30, 7)])
def test_the_window_is_a_setting(window: int, count: int) -> None:
    assert len(choice_of(SEVEN, act("red-9"), source=0, offset=0, window=window).nearby) == count


def test_an_item_is_never_its_own_neighbour() -> None:
    before = profile_of(act("red-1"), act("red-2"))

    assert choice_of(before, act("red-1", event="again"), source=0, offset=0).nearby == (key_of("red-2"),)


def test_an_item_chosen_again_and_again_has_no_neighbour() -> None:
    before = profile_after(act("red-1", event=f"e{n}") for n in range(9))

    assert choice_of(before, act("red-1", event="again"), source=0, offset=0).nearby == ()


@pytest.mark.parametrize("weight", [0.2, 0.0, -3.0])
def test_a_view_and_a_hide_link_nothing(weight: float) -> None:
    assert choice_of(SEVEN, act("red-9", weight), source=0, offset=0).nearby == ()


def test_that_a_list_showed_an_item_makes_it_no_more_popular_and_a_look_at_its_page_does() -> None:
    seen = Action(1, key_of("red-9"), weigh("view"), NOW, most=most_of("view"))
    look = Action(2, key_of("red-9"), weigh("view", dwell_ms=30_000), NOW, most=most_of("view", dwell_ms=30_000))
    after = profile_after([seen])
    assert choice_of(NEW, seen, 0, 0, 5) == Choice(key_of("red-9"), NOW, 0.0, (), 0, 0, 5)
    assert choice_of(after, look, 0, 0).weight == pytest.approx(0.5)


def test_a_viewed_item_is_not_linked() -> None:
    before = profile_of(act("red-1", 0.2), act("red-2", LINKING_WEIGHT))

    assert choice_of(before, act("red-3"), source=0, offset=0).nearby == (key_of("red-2"),)


@given(st.integers(0, 2**40))
def test_sequences_grow_from_one_event_to_the_next(offset: int) -> None:
    first, second = (choice_of(SEVEN, act("red-9"), source=0, offset=at).sequence for at in (offset, offset + 1))

    assert first < second
