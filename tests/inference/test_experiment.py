import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.experiment import Arm, Experiment

USERS = [f"user-{number}" for number in range(4000)]
names = st.text("abcdefghij0123456789-", min_size=1, max_size=12)
shares = st.lists(st.integers(5, 50), min_size=2, max_size=8)


def experiment(name: str, *parts: float) -> Experiment:
    """An experiment with the arms 0, 1, …, whose shares are in the ratio of `parts`."""
    return Experiment(name, tuple(Arm(str(number), part / sum(parts)) for number, part in enumerate(parts)))


def arms(split: Experiment, prefix: str = "") -> list[str]:
    return [split.arm_of(prefix + user).name for user in USERS]


def is_chance(count: int, total: int, share: float) -> bool:
    """Whether a number of users is within five standard deviations of what the share gives."""
    return abs(count - total * share) <= 5 * math.sqrt(total * share * (1 - share))


def test_users_are_split_the_same_way_on_every_machine() -> None:
    split = Experiment("looks-1", (Arm("control", 0.5), Arm("popular", 0.3), Arm("plain", 0.2)))
    found = [split.arm_of(f"u{number}").name[:2] for number in range(12)]

    assert " ".join(found) == "co po co po co co pl po co pl co pl"


# Without the tracer, as below: it would double the time of thousands of users.
@pytest.mark.no_cover
@settings(max_examples=20, deadline=None)
@given(names, shares, st.text(max_size=8))
def test_each_arm_gets_its_share_of_the_users(name: str, parts: list[int], prefix: str) -> None:
    split = experiment(name, *parts)
    counts = Counter(arms(split, prefix))

    assert all(is_chance(counts[arm.name], len(USERS), arm.share) for arm in split.arms)


@pytest.mark.no_cover
@settings(max_examples=10, deadline=None)
@given(names, names.filter(lambda name: len(name) > 3), shares)
def test_experiments_split_users_independently(name: str, other: str, parts: list[int]) -> None:
    first, second = experiment(name, *parts), experiment(name + other, *parts)
    both = Counter(zip(arms(first), arms(second), strict=True))

    assert all(
        is_chance(both[one.name, two.name], len(USERS), one.share * two.share)
        for one in first.arms
        for two in second.arms
    )


@pytest.mark.no_cover
@settings(max_examples=20, deadline=None)
@given(names, shares, st.integers(1, 60))
def test_a_new_arm_takes_users_from_the_others_and_moves_nobody_between_them(
    name: str, parts: list[int], more: int
) -> None:
    before, after = arms(experiment(name, *parts)), arms(experiment(name, *parts, more))
    new = str(len(parts))

    assert all(one == two or two == new for one, two in zip(before, after, strict=True))


def test_the_halves_of_the_first_arm_get_its_lists_and_split_its_users_anew_and_evenly() -> None:
    split = Experiment("looks-1", (Arm("control", 0.5, without=frozenset({"visual"})), Arm("other", 0.5)))
    halves = split.halves()
    mine = [user for user in USERS if split.arm_of(user).name == "control"]

    assert [(arm.name, arm.share) for arm in halves.arms] == [("control/1", 0.5), ("control/2", 0.5)]
    assert {arm.without for arm in halves.arms} == {frozenset({"visual"})}
    assert is_chance(sum(halves.arm_of(user).name == "control/1" for user in mine), len(mine), 0.5)
