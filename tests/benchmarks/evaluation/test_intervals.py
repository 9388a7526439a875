import numpy as np
import pytest

from benchmarks.evaluation.intervals import Interval, ratios


def test_an_interval_of_a_share_is_about_that_of_the_normal_distribution() -> None:
    values = np.zeros((1, 1_000))
    values[:, :200] = 1
    (found,) = ratios(values, np.ones((1, 1_000)), seed=1)
    assert found.value == 0.2
    assert (found.low, found.high) == pytest.approx((0.175, 0.225), abs=0.004)


def test_without_any_unit_that_counts_the_figure_is_nothing() -> None:
    assert ratios(np.zeros((1, 5)), np.zeros((1, 5)), seed=1) == [Interval(0, 0, 0)]
