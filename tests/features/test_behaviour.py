from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.behaviour import (
    POPULAR_HALF_LIFE_MS,
    TREND_HALF_LIFE_MS,
    UNKNOWN,
    USER_WINDOW_MS,
    Behaviour,
    Engagement,
    least_met,
    least_users,
    strengths,
    user_bit,
)
from features.co_choices.neighbours import HALF_LIFE_S
from tests.harness.catalog import MINUTE, NOW
from tests.harness.engagements import apply_engagement


def engagement(*links: tuple[int, float], weight: float = 1.0, at_ms: int = NOW) -> Engagement:
    return Engagement(item=1, at_ms=at_ms, weight=weight, links=links, source=0, sequence=0)


def after(*given_engagements: Engagement, start: Behaviour = UNKNOWN) -> Behaviour:
    behaviour = start
    for each in given_engagements:
        behaviour = apply_engagement(behaviour, each)
    return behaviour


# The effect on an item


def test_a_click_makes_an_item_popular_and_rising() -> None:
    behaviour = after(engagement())

    assert (behaviour.popular, behaviour.trend, behaviour.at_ms) == (1.0, 1.0, NOW)


def test_trends_fade_in_hours_and_popularity_in_weeks() -> None:
    trend = after(engagement(), engagement(weight=0, at_ms=NOW + TREND_HALF_LIFE_MS))
    popular = after(engagement(), engagement(weight=0, at_ms=NOW + POPULAR_HALF_LIFE_MS))

    assert trend.trend == 0.5
    assert trend.popular == pytest.approx(0.9959, abs=1e-4)
    assert popular.popular == 0.5


def test_a_hide_does_not_reduce_the_popularity() -> None:
    assert after(engagement(), engagement(weight=-3.0)).popular == 1.0


@given(st.permutations([engagement(weight=w, at_ms=NOW + m * MINUTE) for w, m in ((1, 0), (2, 50), (3, 7), (1, 600))]))
def test_the_order_of_engagements_does_not_change_the_sums(shuffled: list[Engagement]) -> None:
    in_order = after(*sorted(shuffled, key=lambda each: each.at_ms))
    behaviour = after(*shuffled)

    assert behaviour.popular == pytest.approx(in_order.popular)
    assert behaviour.trend == pytest.approx(in_order.trend)
    assert behaviour.at_ms == NOW + 600 * MINUTE


def test_links_become_neighbours() -> None:
    behaviour = after(engagement((2, 1.0), (3, 0.7)), engagement((2, 1.0)))

    assert behaviour.neighbours[["item", "weight"]].tolist() == [(2, pytest.approx(2.0)), (3, pytest.approx(0.7))]


# The strengths of neighbours


def test_a_co_choice_seen_once_is_damped() -> None:
    assert strengths([after(engagement((2, 1.0)))]).tolist() == pytest.approx([1 / 6])


def test_an_item_often_chosen_next_is_a_stronger_neighbour() -> None:
    rare, often = strengths([after(engagement((3, 1.0)), *[engagement((2, 1.0))] * 5)])

    assert (rare, often) == (pytest.approx(1 / 11), pytest.approx(5 / 11))


def test_strengths_of_several_items_are_those_of_each() -> None:
    some = [after(engagement((2, 1.0))), UNKNOWN, after(engagement((3, 1.0)), engagement((2, 2.0)))]

    assert strengths(some).tolist() == pytest.approx([s for one in some for s in strengths([one]).tolist()])
    assert strengths([]).tolist() == []


def test_a_strength_is_as_of_the_last_co_choice_so_an_item_that_nobody_chooses_forgets_nothing() -> None:
    half_life_ms = int(1000 * HALF_LIFE_S)
    earlier = engagement((2, 1.0), at_ms=NOW)
    assert strengths([after(earlier, engagement(weight=1.0, at_ms=NOW + half_life_ms))]).tolist() == [
        pytest.approx(1 / 6)
    ]

    faded, recent = strengths([after(earlier, engagement((3, 1.0), at_ms=NOW + half_life_ms))])
    assert (faded, recent) == (pytest.approx(0.5 / 6.5), pytest.approx(1 / 6.5))


def test_an_item_without_neighbours_has_no_strengths() -> None:
    assert strengths([UNKNOWN]).tolist() == []


# The number of users


def engaged_by(user_bit: int, at_ms: int = NOW, weight: float = 1.0) -> Engagement:
    return Engagement(item=1, at_ms=at_ms, weight=weight, links=(), source=0, sequence=0, voter=user_bit)


def test_a_user_who_comes_again_is_one_user() -> None:
    assert least_users(after(engaged_by(5), engaged_by(5), engaged_by(5))) == 1
    assert least_users(after(engaged_by(5), engaged_by(63), engaged_by(0))) == 3


def test_a_user_who_adds_nothing_to_the_sums_is_not_counted() -> None:
    assert least_users(after(engaged_by(5), engaged_by(6, weight=0.0), engaged_by(7, weight=-3.0))) == 1


def test_who_only_saw_an_item_met_it_and_made_it_no_more_popular() -> None:
    found = after(engaged_by(5), engaged_by(6, weight=0.0), engaged_by(5, weight=0.0), engaged_by(7, weight=-3.0))
    assert (least_users(found), least_met(found), found.popular) == (1, 2, 1.0)
    later = apply_engagement(found, engaged_by(8, NOW + USER_WINDOW_MS, weight=0.0))
    assert (least_users(later), least_met(later)) == (1, 3)
    assert least_met(apply_engagement(later, engaged_by(8, NOW + 2 * USER_WINDOW_MS, weight=0.0))) == 1


def test_users_are_forgotten_after_two_windows() -> None:
    first = after(engaged_by(5), engaged_by(6))
    assert least_users(apply_engagement(first, engaged_by(7, NOW + USER_WINDOW_MS))) == 3
    assert least_users(apply_engagement(first, engaged_by(7, NOW + 2 * USER_WINDOW_MS))) == 1


@given(st.lists(st.tuples(st.integers(0, 63), st.integers(0, 4 * USER_WINDOW_MS)), max_size=12), st.randoms())
def test_the_order_in_which_users_came_does_not_matter(came: list[tuple[int, int]], chance: Random) -> None:
    given_order = [engaged_by(user_bit, NOW + at_ms) for user_bit, at_ms in came]
    one, other = after(*given_order), after(*chance.sample(given_order, len(given_order)))
    assert (one.user_bitmap, one.user_bitmap_before) == (other.user_bitmap, other.user_bitmap_before)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=100))
def test_the_number_of_users_is_never_overestimated(users: list[int]) -> None:
    assert least_users(after(*(engaged_by(user_bit(user)) for user in users))) <= len(set(users))
