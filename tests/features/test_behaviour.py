from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.behaviour import (
    LINKING_WEIGHT,
    NEIGHBOURS_LIMIT,
    POPULAR_HALF_LIFE_MS,
    TREND_HALF_LIFE_MS,
    UNKNOWN,
    USER_WINDOW_MS,
    Behaviour,
    Engagement,
    apply_engagement,
    engagements,
    least_users,
    strengths,
    user_bit,
)
from features.item import key_of
from features.profile import NEW, Profile, apply_interaction
from tests.harness.catalog import MINUTE, NOW, act, profile_of


def engagement(*links: tuple[int, float], weight: float = 1.0, at_ms: int = NOW) -> Engagement:
    return Engagement(item=1, at_ms=at_ms, weight=weight, links=links, source=0, sequence=0)


def after(*given_engagements: Engagement, start: Behaviour = UNKNOWN) -> Behaviour:
    behaviour = start
    for each in given_engagements:
        behaviour = apply_engagement(behaviour, each)
    return behaviour


# The engagements of an interaction


def test_a_users_first_click_concerns_one_item() -> None:
    assert engagements(NEW, act("red-1"), source=3, offset=10) == [
        Engagement(key_of("red-1"), NOW, 1.0, (), source=3, sequence=20)
    ]


def test_a_click_links_forwards_more_than_backwards() -> None:
    own, earlier = engagements(profile_of(act("red-1")), act("red-2"), source=0, offset=0)

    assert own.links == ((key_of("red-1"), 0.7),)
    assert (earlier.item, earlier.weight, earlier.links) == (key_of("red-1"), 0.0, ((key_of("red-2"), 1.0),))


def test_each_step_back_counts_less_and_the_sixth_not_at_all() -> None:
    before = profile_of(*(act(f"red-{n}") for n in range(7)))
    own, _ = engagements(before, act("red-9"), source=0, offset=0)

    assert [item for item, _ in own.links] == [key_of(f"red-{n}") for n in (6, 5, 4, 3, 2)]
    assert [weight for _, weight in own.links] == pytest.approx([0.7, 0.56, 0.448, 0.3584, 0.28672])


def test_only_the_item_chosen_last_gets_a_forward_link() -> None:
    before = profile_of(*(act(f"red-{n}") for n in range(7)))
    _, *earlier = engagements(before, act("red-9"), source=0, offset=0)

    assert [each.item for each in earlier] == [key_of("red-6")]


def test_an_item_is_never_its_own_neighbour() -> None:
    before = profile_of(act("red-1"), act("red-2"))
    own, *earlier = engagements(before, act("red-1", event="again"), source=0, offset=0)

    assert own.links == ((key_of("red-2"), 0.7),)
    assert [each.item for each in earlier] == [key_of("red-2")]


@pytest.mark.parametrize("weight", [0.2, 0.0, -3.0])
def test_a_view_and_a_hide_link_nothing(weight: float) -> None:
    assert len(engagements(profile_of(act("red-1")), act("red-2", weight), source=0, offset=0)) == 1


def test_a_viewed_item_is_not_linked() -> None:
    before = profile_of(act("red-1", 0.2), act("red-2", LINKING_WEIGHT))

    assert [each.item for each in engagements(before, act("red-3"), source=0, offset=0)] == [
        key_of("red-3"),
        key_of("red-2"),
    ]


@given(st.integers(0, 2**40))
def test_sequences_grow_from_one_engagement_to_the_next_and_from_one_event_to_the_next(offset: int) -> None:
    before = profile_of(*(act(f"red-{n}") for n in range(7)))
    found = [
        each.sequence for at in (offset, offset + 1) for each in engagements(before, act("red-9"), source=0, offset=at)
    ]

    assert found == sorted(set(found))


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

    assert behaviour.neighbours[["item", "weight"]].tolist() == [(3, pytest.approx(0.7)), (2, pytest.approx(2.0))]


def test_the_49th_neighbour_pushes_the_faintest_out() -> None:
    behaviour = after(engagement((1000, 0.1)), *(engagement((n, 1.0)) for n in range(NEIGHBOURS_LIMIT)))

    assert len(behaviour.neighbours) == NEIGHBOURS_LIMIT == 48
    assert 1000 not in behaviour.neighbours["item"]


# The strengths of neighbours


def test_a_co_choice_seen_once_is_damped() -> None:
    assert strengths([after(engagement((2, 1.0)))], NOW).tolist() == pytest.approx([1 / 6])


def test_an_item_often_chosen_next_is_a_stronger_neighbour() -> None:
    rare, often = strengths([after(engagement((3, 1.0)), *[engagement((2, 1.0))] * 5)], NOW)

    assert (rare, often) == (pytest.approx(1 / 11), pytest.approx(5 / 11))


def test_strengths_of_several_items_are_those_of_each() -> None:
    some = [after(engagement((2, 1.0))), UNKNOWN, after(engagement((3, 1.0)), engagement((2, 2.0)))]

    assert strengths(some, NOW).tolist() == pytest.approx([s for one in some for s in strengths([one], NOW).tolist()])
    assert strengths([], NOW).tolist() == []


def test_an_item_without_neighbours_has_no_strengths() -> None:
    assert strengths([UNKNOWN], NOW).tolist() == []


# A checkerboard: even shoppers choose even items, odd ones odd items


def test_in_a_checkerboard_world_every_neighbour_is_of_the_same_colour() -> None:
    behaviours: dict[int, Behaviour] = {}
    offset = 0
    for shopper in range(20):
        profile: Profile = NEW
        for step in range(8):
            number = (3 * shopper + 2 * step) % 16 // 2 * 2 + shopper % 2
            action = act(f"field-{number}", at_ms=NOW + offset, event=f"{shopper}/{step}")
            for each in engagements(profile, action, source=0, offset=offset):
                behaviours[each.item] = apply_engagement(behaviours.get(each.item, UNKNOWN), each)
            profile = apply_interaction(profile, action).profile
            offset += 1

    numbers = {key_of(f"field-{number}"): number for number in range(16)}
    assert len(behaviours) == 16
    for key, behaviour in behaviours.items():
        followers = {numbers[int(neighbour)] for neighbour in behaviour.neighbours["item"]}
        assert len(followers) >= 3
        assert {number % 2 for number in followers} == {numbers[key] % 2}
        assert np.isin(behaviour.neighbours["item"], list(numbers)).all()


# The number of users


def engaged_by(user_bit: int, at_ms: int = NOW, weight: float = 1.0) -> Engagement:
    return Engagement(item=1, at_ms=at_ms, weight=weight, links=(), source=0, sequence=0, voter=user_bit)


def test_a_user_who_comes_again_is_one_user() -> None:
    assert least_users(after(engaged_by(5), engaged_by(5), engaged_by(5))) == 1
    assert least_users(after(engaged_by(5), engaged_by(63), engaged_by(0))) == 3


def test_a_user_who_adds_nothing_to_the_sums_is_not_counted() -> None:
    assert least_users(after(engaged_by(5), engaged_by(6, weight=0.0), engaged_by(7, weight=-3.0))) == 1


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
