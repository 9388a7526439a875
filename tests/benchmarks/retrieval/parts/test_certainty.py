"""A calibration that is known by construction is found again, and its error is small."""

import numpy as np
import pytest

from benchmarks.retrieval.parts.certainty import Pairs, calibrated, judged
from inference.identity import Calibration

TRUE = Calibration(constant=-6.0, best=8.0, lead=10.0)


def pairs(count: int) -> Pairs:
    random = np.random.default_rng(7)
    best = random.uniform(0.3, 0.95, count)
    made = Pairs(best, best - random.uniform(0, 0.4, count), np.zeros(count, bool))
    return Pairs(made.best, made.second, random.random(count) < made.certainties(TRUE))


def test_the_regression_finds_what_made_the_pairs() -> None:
    found = calibrated(pairs(20_000))
    assert (found.constant, found.best, found.lead) == pytest.approx((-6, 8, 10), rel=0.1)


def test_pairs_that_a_line_divides_give_finite_constants() -> None:
    divided = Pairs(np.array([0.9, 0.8, 0.3, 0.2]), np.array([0.1] * 4), np.array([True, True, False, False]))
    found = calibrated(divided)
    assert np.isfinite([found.constant, found.best, found.lead]).all()
    assert divided.certainties(found)[0] > 0.9


def test_true_certainties_have_next_to_no_error_and_too_high_ones_have() -> None:
    made = pairs(20_000)
    assert judged(made.certainties(TRUE), made.is_right).calibration_error < 0.02
    assert judged(np.ones(20_000), made.is_right).calibration_error == pytest.approx(1 - made.is_right.mean(), abs=1e-3)


def test_nothing_is_named_where_nothing_is_certain() -> None:
    found = judged(np.full(10, 0.2), np.zeros(10, bool))
    assert found.named == {"0.5": (0.0, 0.0), "0.7": (0.0, 0.0), "0.9": (0.0, 0.0)}
