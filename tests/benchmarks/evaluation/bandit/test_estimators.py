import numpy as np
import pytest

from benchmarks.evaluation.bandit.estimators import Predictions, effective_size, estimate
from benchmarks.evaluation.bandit.impressions import Impressions


def test_estimators_by_hand() -> None:
    # Two items, shown alike; the policy shows the first three times of four.
    log = Impressions(np.array([0, 0, 1, 1]), np.zeros(4, int), np.array([1.0, 0, 0, 0]), np.full(4, 0.5))
    said = Predictions(np.array([0.75, 0.75, 0.25, 0.25]), np.array([0.4, 0.4, 0.0, 0.0]), np.full(4, 0.3))
    found = estimate(log, said, seed=1)
    assert found["ips"].value == pytest.approx(1.5 / 4)
    assert found["snips"].value == pytest.approx(1.5 / 4)
    assert found["doubly_robust"].value == pytest.approx(0.3 + (1.5 * 0.6 - 1.5 * 0.4) / 4)
    assert found["logged"].value == 0.25


def test_the_policy_that_wrote_the_log_is_worth_what_the_log_says_and_counts_whole() -> None:
    clicks = np.array([1.0, 0, 0, 1, 0, 0, 0, 0])
    log = Impressions(np.arange(8) % 2, np.zeros(8, int), clicks, np.full(8, 0.5))
    said = Predictions(np.full(8, 0.5), np.zeros(8), np.zeros(8))
    found = estimate(log, said, seed=1)
    assert found["ips"] == found["snips"] == found["doubly_robust"] == found["logged"]
    assert effective_size(log, said) == 8
