import math

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.experiments.statistics import (
    LEAST_USERS,
    Interval,
    Ratio,
    chi_squared_tail,
    difference,
    interval,
    ratio,
    split,
)

#: Of users who see lists of very different lengths, and whose own rates differ.
Sample = tuple[NDArray[np.float64], NDArray[np.float64]]


def sample(rng: np.random.Generator, users: int, rate: float) -> Sample:
    """Clicks and shown slots of some users; two of a user's slots are more alike than those of two users."""
    shown = rng.geometric(0.05, users)
    own = rng.beta(5 * rate, 5 * (1 - rate), users)
    return rng.binomial(shown, own).astype(float), shown.astype(float)


def more(rng: np.random.Generator, rate: float, other: float, users: int = 200) -> Interval:
    first, second = ratio(*sample(rng, users, rate)), ratio(*sample(rng, users, other))
    assert first is not None
    assert second is not None
    found = interval(difference(second, first))
    assert found is not None
    return found


def test_one_difference_in_twenty_of_equal_arms_excludes_0() -> None:
    rng = np.random.default_rng(1)
    wrong = sum(more(rng, 0.1, 0.1).excludes_zero for _ in range(1000))

    assert 30 <= wrong <= 75


def test_intervals_contain_the_true_difference_19_times_in_20() -> None:
    rng = np.random.default_rng(2)
    found = [more(rng, 0.1, 0.15) for _ in range(1000)]

    assert 920 <= sum(each.low <= 0.05 <= each.high for each in found) <= 970


def test_a_difference_that_is_there_is_found() -> None:
    assert more(np.random.default_rng(3), 0.1, 0.2, users=2000).low > 0


def test_the_variance_is_that_of_a_mean_where_all_users_see_as_much() -> None:
    clicks = np.random.default_rng(4).integers(0, 5, 100).astype(float)
    found = ratio(clicks, np.full(100, 4.0))

    assert found is not None
    assert found.value == pytest.approx(clicks.mean() / 4)
    assert found.variance == pytest.approx(clicks.var(ddof=1) / 16 / 100)


def test_users_who_saw_nothing_change_nothing_much() -> None:
    clicks, shown = sample(np.random.default_rng(5), 1000, 0.1)
    without, beside = ratio(clicks, shown), ratio(np.append(clicks, np.zeros(500)), np.append(shown, np.zeros(500)))
    assert without is not None
    assert beside is not None

    assert beside.value == without.value
    assert beside.variance == pytest.approx(without.variance, rel=1e-3)


def test_without_a_slot_there_is_no_ratio() -> None:
    assert ratio(np.zeros(3), np.zeros(3)) is None
    assert ratio(np.zeros(0), np.zeros(0)) is None


@pytest.mark.parametrize(
    ("clicks", "users"), [(1.0, LEAST_USERS - 1), (0.0, 1000)], ids=["too few users", "nobody clicked"]
)
def test_where_nothing_is_known_of_how_users_differ_there_is_no_interval(clicks: float, users: int) -> None:
    found = ratio(np.array([clicks, *[0.0] * (users - 1)]), np.full(users, 4.0))
    assert found is not None

    assert (found.value, interval(found)) == (clicks / users / 4, None)
    assert interval(difference(found, Ratio(0.1, 0.01))) is None


@pytest.mark.parametrize(
    ("value", "degrees", "chance"),
    # From the usual tables.
    [(3.841459, 1, 0.05), (10.827566, 1, 0.001), (5.991465, 2, 0.05), (14.067140, 7, 0.05), (18.475307, 7, 0.01)],
)
def test_the_tail_of_chi_squared_is_that_of_the_tables(value: float, degrees: int, chance: float) -> None:
    assert chi_squared_tail(value, degrees) == pytest.approx(chance, rel=1e-4)


def test_a_split_that_chance_hardly_gives_is_a_mismatch() -> None:
    assert not split([5100, 4900], [0.5, 0.5]).is_mismatch
    assert split([5200, 4800], [0.5, 0.5]).is_mismatch
    assert not split([5200, 2400, 2400], [0.52, 0.24, 0.24]).is_mismatch
    assert split([0, 0], [0.5, 0.5]).p == 1.0
    assert math.isclose(split([520, 480], [0.5, 0.5]).p, 0.2059, rel_tol=1e-3)
