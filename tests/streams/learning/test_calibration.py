from math import isnan, log

import numpy as np
import pytest
from numpy.typing import NDArray

from streams.learning.calibration import Calibration
from streams.learning.steps import SHARPNESS


def scores(first: float) -> NDArray[np.float32]:
    """Those of two candidates, of which the first has this probability."""
    return np.array([log(first / (1 - first)) / SHARPNESS, 0], np.float32)


def error_of(*lessons: tuple[float, int]) -> float:
    calibration = Calibration()
    for first, chosen in lessons:
        calibration.add(scores(first), chosen)
    return calibration.error()


def test_before_any_lesson_nothing_is_known() -> None:
    assert isnan(Calibration().error())


def test_what_is_chosen_as_often_as_it_is_likely_has_no_error() -> None:
    assert error_of(*[(0.75, 0), (0.75, 0), (0.75, 0), (0.75, 1)] * 2000) == pytest.approx(0, abs=0.002)


def test_what_is_sure_and_wrong_has_all_of_its_probability_as_error() -> None:
    assert error_of((0.95, 1)) == pytest.approx(0.95)


def test_bins_are_weighed_by_their_lessons_and_do_not_make_up_for_each_other() -> None:
    assert error_of(*[(0.95, 1), (0.55, 0)] * 1000) == pytest.approx((0.95 + 0.45) / 2, abs=0.002)


def test_lessons_of_long_ago_are_forgotten() -> None:
    assert error_of(*[(0.95, 1)] * 500, *[(0.95, 0)] * 10_000) == pytest.approx(0.05, abs=0.001)
