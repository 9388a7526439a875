import numpy as np
import pytest

from benchmarks.harness.delays import lag_growth_per_s, longest_gap_ms, percentiles


def test_percentiles_are_those_of_answered_events() -> None:
    assert percentiles(np.array([1.0, np.nan, 3.0]))[0] == 2.0


def test_without_answers_there_are_no_percentiles() -> None:
    assert np.isnan(percentiles(np.array([np.nan, np.nan]))).all()


def test_the_longest_gap_is_between_two_answers_not_between_two_events() -> None:
    # Answered after 1, 41, 41, 41 and 41 ms: the second to the fourth waited for what held up all of them.
    assert longest_gap_ms(np.array([1.0, 31.0, 21.0, 11.0, 1.0]), rate=100) == pytest.approx(40)


def test_an_event_that_was_never_answered_ends_no_gap() -> None:
    assert longest_gap_ms(np.array([1.0, np.nan, 1.0]), rate=100) == pytest.approx(20)


def test_the_first_answer_ends_a_gap_that_begins_with_the_first_event() -> None:
    assert longest_gap_ms(np.array([25.0, 15.0]), rate=100) == pytest.approx(25)


def test_a_lag_that_stays_as_it_is_does_not_grow() -> None:
    assert lag_growth_per_s(np.full(500, 30.0), rate=100) == pytest.approx(0, abs=0.01)


def test_where_every_other_event_is_answered_in_time_the_lag_grows_by_the_others() -> None:
    assert lag_growth_per_s(10.0 * np.arange(1000, dtype=np.float64), rate=100) == pytest.approx(50, abs=0.5)


def test_without_answers_all_events_are_lag() -> None:
    assert lag_growth_per_s(np.full(500, np.nan), rate=100) == pytest.approx(100)
