import numpy as np
import pytest

from benchmarks.evaluation.bandit.estimators import estimate
from benchmarks.evaluation.bandit.impressions import Impressions
from benchmarks.evaluation.bandit.thompson import BATCH, predict


def uniform_log(count: int, rates: list[float]) -> Impressions:
    rng = np.random.default_rng(1)
    items, positions = rng.integers(0, len(rates), count), rng.integers(0, 2, count)
    clicks = (rng.random(count) < np.array(rates)[items]).astype(float)
    return Impressions(items, positions, clicks, np.full(count, 1 / len(rates)))


def test_where_items_differ_the_lower_end_is_above_uniform() -> None:
    log = uniform_log(10_000, [0.3, 0.2, *[0.05] * 8])
    found = estimate(log, predict(log, seed=1), seed=1)
    for name in ("ips", "snips", "doubly_robust"):
        assert found[name].low > found["logged"].high
        assert found[name].low < 0.3 < found[name].high + 0.05


def test_where_items_do_not_differ_uniform_is_within_the_interval() -> None:
    log = uniform_log(10_000, [0.05] * 10)
    found = estimate(log, predict(log, seed=1), seed=1)["doubly_robust"]
    assert found.low < 0.05 < found.high


def test_a_batch_is_predicted_before_it_is_learned() -> None:
    log = uniform_log(2 * BATCH, [0.9, 0.1])
    flipped = Impressions(log.items, log.positions, log.clicks.copy(), log.propensities)
    flipped.clicks[BATCH:] = 1 - flipped.clicks[BATCH:]
    said, other = predict(log, seed=1), predict(flipped, seed=1)
    assert (said.probabilities == other.probabilities).all()


def test_values_are_the_expected_rewards_of_the_policy() -> None:
    log = uniform_log(500, [0.4, 0.4])
    said = predict(log, seed=1)
    assert ((said.probabilities >= 0) & (said.probabilities <= 1)).all()
    assert said.values[-1] == pytest.approx(0.4, abs=0.12)
