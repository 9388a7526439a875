import numpy as np
import pytest

from benchmarks.measures.encoder import steady_rate


def test_the_rate_is_that_between_the_first_and_the_last_tenth() -> None:
    delays_ms = np.concatenate([[900.0], 1000 + 10 * np.arange(99), [5000.0]])
    assert steady_rate(delays_ms) == pytest.approx(100)


def test_events_never_answered_do_not_count_in_the_rate() -> None:
    delays_ms = np.concatenate([10.0 * np.arange(100), [np.nan] * 20])
    assert steady_rate(delays_ms) == pytest.approx(100)
