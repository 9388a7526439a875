from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.behaviour.recent_steps import AFTER, BEFORE, ITEM, LATELY, PLACES, USER, VISIT_BEFORE, RecentSteps

#: The visits of an item, the latest first: the user, the items before and those after, the nearest first.
Visits: TypeAlias = list[tuple[int, list[int], list[int]]]


class Model:
    """The ring in plain Python: a list of steps, in which every window is looked up."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.steps: list[tuple[int, int] | None] = []

    def append(self, user: int, item: int) -> None:
        own = [step[1] for step in self.steps if step and step[0] == user]
        if item not in own[-PLACES - 1 :]:
            self.steps = [*self.steps, (user, item)][-self.limit :]

    def forget(self, user: int) -> None:
        self.steps = [step if step and step[0] != user else None for step in self.steps]

    def visits(self, item: int) -> Visits:
        found: Visits = []
        for at, step in enumerate(self.steps):
            if step and step[1] == item:
                before, after = (
                    [each[1] for each in part if each and each[0] == step[0]]
                    for part in (self.steps[:at], self.steps[at + 1 :])
                )
                found.append((step[0], before[::-1][:PLACES], after[:PLACES]))
        return found[::-1]

    def lately(self, item: int) -> int:
        last = self.steps[max(len(self.steps) - self.limit // LATELY, 0) :]
        return sum(step is not None and step[1] == item for step in last)


def append(recent: RecentSteps, *steps: tuple[int, int]) -> None:
    recent.append(np.array([user for user, _ in steps], np.uint64), np.array([item for _, item in steps], np.uint64))


def visits(recent: RecentSteps, item: int) -> Visits:
    found: Visits = []
    (number,) = recent.items.find(np.array([item], np.uint64)).tolist()
    at = recent.last_visits[number]
    while at:
        step = recent.steps[at]
        windows = [step[start : start + PLACES] for start in (BEFORE, AFTER)]
        before, after = (recent.items.keys[window[window > 0]].tolist() for window in windows)
        found.append((int(recent.users.keys[step[USER]]), before, after))
        at = step[VISIT_BEFORE]
    assert len(found) == recent.visits[number]
    return found


def lately(recent: RecentSteps, item: int) -> int:
    (number,) = recent.items.find(np.array([item], np.uint64)).tolist()
    return int(recent.lately[number]) if number else 0


ITEMS = range(1, 25)
STEPS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(ITEMS)), max_size=40)


@settings(deadline=None)
@given(st.integers(1, 40) | st.sampled_from([64, 130, 200]), st.lists(STEPS | st.integers(1, 4), max_size=8))
def test_the_ring_is_what_its_last_steps_make_it(limit: int, changes: Sequence[list[tuple[int, int]] | int]) -> None:
    recent, model = RecentSteps(limit), Model(limit)
    for change in changes:
        if isinstance(change, int):
            recent.forget(change)
            model.forget(change)
        else:
            append(recent, *change)
            for user, item in change:
                model.append(user, item)
        assert {item: visits(recent, item) for item in ITEMS} == {item: model.visits(item) for item in ITEMS}
        assert {item: lately(recent, item) for item in ITEMS} == {item: model.lately(item) for item in ITEMS}

    live = [step for step in model.steps if step]
    assert len(recent.users) == len({user for user, _ in live})
    assert len(recent.items) == len({item for _, item in live})


def test_a_step_knows_what_its_user_chose_before_and_after_it() -> None:
    recent = RecentSteps(100)
    append(recent, (1, 10), (2, 30), (1, 11), (1, 12), (2, 31))

    assert visits(recent, 11) == [(1, [10], [12])]
    assert visits(recent, 30) == [(2, [], [31])]
    assert visits(recent, 99) == []


def test_a_click_and_the_purchase_after_it_are_one_step() -> None:
    recent = RecentSteps(100)
    append(recent, (1, 10), (1, 10), (1, 11), (1, 10), (1, 11))

    assert visits(recent, 10) == [(1, [], [11])]


def test_numbers_of_items_and_users_that_left_the_ring_are_used_again() -> None:
    recent = RecentSteps(8)
    for start in range(0, 100_000, 1000):
        append(recent, *((number, number) for number in range(start, start + 1000)))

    assert len(recent.items) == len(recent.users) == 8
    assert visits(recent, 99_999) == [(99_999, [], [])]


@pytest.mark.parametrize("count", [13, 14, 15, 200])
def test_a_user_who_alone_fills_the_ring_can_be_forgotten(count: int) -> None:
    recent = RecentSteps(100)
    append(recent, *((1, 1 + number % count) for number in range(100_000)))
    recent.forget(1)
    recent.forget(1)

    assert not recent.steps.any()
    assert len(recent.items) == len(recent.users) == 0
    append(recent, (1, 10), (1, 11))
    assert visits(recent, 11) == [(1, [10], [])]


def test_the_latest_steps_come_first_and_those_of_forgotten_users_are_left_out() -> None:
    recent = RecentSteps(4)
    recent.append(np.array([1, 2, 1, 3, 2], np.uint64), np.array([11, 12, 13, 14, 15], np.uint64))
    recent.forget(3)
    latest = recent.latest(3)

    assert recent.items.keys[latest[:, ITEM]].tolist() == [15, 13]
    assert recent.latest(100)[:, ITEM].tolist() == [*latest[:, ITEM], *recent.items.find(np.array([12], np.uint64))]
    assert len(RecentSteps(4).latest(2)) == 0
