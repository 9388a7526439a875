import pytest

from benchmarks.world.shopping import Received, Sent, latencies, quantiles_ms

SENT = [Sent("ada", "a1", 1.0), Sent("bob", "b1", 1.5), Sent("ada", "a2", 2.0)]


def test_an_event_took_until_the_list_that_it_triggered() -> None:
    received = [Received("ada", "a1", 1.25), Received("bob", "b1", 1.75), Received("ada", "a2", 2.5)]
    assert latencies(SENT, received) == [0.25, 0.25, 0.5]


def test_events_answered_together_took_until_the_list_of_the_last_of_them() -> None:
    assert latencies(SENT, [Received("bob", "b1", 2.0), Received("ada", "a2", 3.0)]) == [2.0, 0.5, 1.0]


def test_a_list_of_an_earlier_event_does_not_answer_a_later_one() -> None:
    assert latencies(SENT, [Received("ada", "a1", 2.5)]) == [1.5, None, None]


def test_lists_of_other_events_count_for_nothing() -> None:
    assert latencies(SENT, [Received("ada", "somebody else's", 5.0)]) == [None, None, None]


def test_a_second_delivery_of_a_list_does_not_change_the_first() -> None:
    assert latencies(SENT[:1], [Received("ada", "a1", 1.5), Received("ada", "a1", 9.0)]) == [0.5]


def test_quantiles_are_in_milliseconds() -> None:
    quantiles = quantiles_ms([0.001 * number for number in range(1, 102)])
    assert (quantiles.p50, quantiles.p99) == (51.0, 100.0)


def test_quantiles_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="no measurement"):
        quantiles_ms([])
