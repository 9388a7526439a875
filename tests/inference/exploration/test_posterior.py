import numpy as np
import pytest

from inference.exploration.posterior import EXPECTED_RATE, Posterior, posterior_of, shares_of_best


def counts(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


def test_before_anything_is_shown_every_arm_has_the_expected_rate() -> None:
    found = posterior_of(counts(0, 0), counts(0, 0), counts(0, 1))
    assert found.means() == pytest.approx([EXPECTED_RATE, EXPECTED_RATE])


def test_an_arm_that_was_never_shown_counts_as_its_group_does() -> None:
    found = posterior_of(counts(50, 0, 1, 0), counts(100, 0, 100, 0), counts(0, 0, 1, 1))
    liked, unliked = found.means()[[1, 3]]
    assert liked > 0.4 > 0.1 > unliked


def test_an_arm_shown_often_has_its_own_rate() -> None:
    found = posterior_of(counts(5_000, 10), counts(10_000, 10_000), counts(0, 0))
    assert found.means() == pytest.approx([0.5, 0.0011], rel=0.02)


def test_a_rate_of_one_has_a_posterior() -> None:
    found = posterior_of(counts(10, 7), counts(10, 7), counts(0, 0))
    assert (found.misses > 0).all()


def test_the_best_arm_is_shown_most_and_an_unknown_one_more_than_a_bad_one() -> None:
    found = posterior_of(counts(300, 20, 0), counts(1_000, 1_000, 3), counts(0, 1, 2))
    best, bad, unknown = shares_of_best(found, np.random.default_rng(1), 2_000)
    assert best > unknown > bad
    assert best + bad + unknown == pytest.approx(1)


def test_draws_are_rates_and_the_seed_decides_them() -> None:
    known = Posterior(np.array([2.0, 1.0]), np.array([3.0, 9.0]))
    draws = known.draw(np.random.default_rng(1), 500)
    assert draws.shape == (500, 2)
    assert draws.mean(axis=0) == pytest.approx(known.means(), abs=0.03)
    assert (draws == known.draw(np.random.default_rng(1), 500)).all()
