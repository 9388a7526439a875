import numpy as np
import pytest

from inference.exploration.draws import beta_draw, mixed


def drawn(wins: float, misses: float, count: int = 20_000) -> np.ndarray:
    return np.array([beta_draw(wins, misses, np.uint64(seed)) for seed in range(count)])


@pytest.mark.parametrize(("wins", "misses"), [(1.0, 99.0), (1.0, 1.0), (30.0, 70.0), (5.0, 0.2), (0.3, 0.5)])
def test_draws_have_the_mean_and_the_spread_of_their_distribution(wins: float, misses: float) -> None:
    draws, total = drawn(wins, misses), wins + misses
    mean, variance = wins / total, wins * misses / (total**2 * (total + 1))

    assert draws.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / len(draws)))
    assert draws.var() == pytest.approx(variance, rel=0.06)
    assert 0 <= draws.min() <= draws.max() <= 1


def test_the_same_seed_gives_the_same_draw_and_another_one_another() -> None:
    assert beta_draw(2.0, 5.0, np.uint64(7)) == beta_draw(2.0, 5.0, np.uint64(7))
    assert len(set(drawn(2.0, 5.0, 1000).tolist())) == 1000


def test_the_mix_is_that_of_splitmix64() -> None:
    """The first number of the reference implementation with the seed 1234567."""
    assert int(mixed(np.uint64(1234567 + 0x9E3779B97F4A7C15))) == 6457827717110365317
