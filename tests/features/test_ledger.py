import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.ledger import EMPTY, WEIGHT_LIMIT, add, faded, remove

HOUR = 3_600_000


def ledger(*adds: tuple[int, float, int], limit: int = 3) -> NDArray[np.void]:
    entries: NDArray[np.void] = EMPTY
    for item, weight, at_ms in adds:
        entries = add(entries, item, weight, at_ms, limit=limit, half_life_ms=HOUR)
    return entries


def test_the_latest_item_stands_last() -> None:
    assert ledger((1, 1, 0), (2, 1, 0), (1, 1, 0))["item"].tolist() == [2, 1]


def test_weights_of_one_item_add_up() -> None:
    assert ledger((1, 1.0, 0), (1, 0.5, 0)).tolist() == [(1, 1.5, 0)]


def test_half_of_a_weight_is_left_after_its_half_life() -> None:
    assert ledger((1, 1.0, 0), (1, 1.0, HOUR)).tolist() == [(1, 1.5, 3600)]


def test_a_late_event_counts_as_if_it_had_come_in_time() -> None:
    assert ledger((1, 2.0, 2 * HOUR), (1, 1.0, 0)).tolist() == ledger((1, 1.0, 0), (1, 2.0, 2 * HOUR)).tolist()


@given(st.permutations([(7, 0.5, 0), (7, 1.0, HOUR), (7, 2.0, 3 * HOUR), (7, 0.25, 90_000), (7, 1.0, HOUR)]))
def test_the_order_of_events_does_not_change_a_weight(adds: list[tuple[int, float, int]]) -> None:
    (entry,) = ledger(*adds)

    assert entry["weight"] == pytest.approx(2.0 + 2 / 4 + 0.5 / 8 + 0.25 * 0.5 ** (3 - 1 / 40), rel=1e-5)


def test_past_the_limit_the_faintest_other_entry_goes() -> None:
    assert ledger((1, 1.0, 0), (2, 0.2, 0), (3, 1.0, 0), (4, 0.1, 0))["item"].tolist() == [1, 3, 4]


def test_a_strong_entry_that_has_faded_is_the_faintest() -> None:
    assert ledger((1, 2.0, 0), (2, 1.0, 4 * HOUR), (3, 1.0, 4 * HOUR), (4, 1.0, 4 * HOUR))["item"].tolist() == [2, 3, 4]


def test_a_late_event_pushes_out_the_entry_that_is_faintest_now() -> None:
    # As of the late event's time the newest would look faintest; as of today the first is.
    assert ledger((1, 1.0, 0), (2, 1.0, 4 * HOUR), (3, 0.9, 4 * HOUR), (4, 1.0, 0))["item"].tolist() == [2, 3, 4]


def test_adding_to_a_known_item_pushes_nothing_out() -> None:
    assert ledger((1, 1, 0), (2, 1, 0), (3, 1, 0), (1, 1, 0))["item"].tolist() == [2, 3, 1]


def test_no_weight_grows_past_the_limit() -> None:
    (entry,) = ledger(*[(1, 3.0, 0)] * 4)

    assert entry["weight"] == WEIGHT_LIMIT


def test_a_time_before_1970_counts_as_1970() -> None:
    assert ledger((1, 1.0, -5 * HOUR)).tolist() == [(1, 1.0, 0)]


def test_keys_are_compared_in_all_64_bits() -> None:
    high, low = 2**64 - 1, 2**64 - 2

    assert remove(ledger((high, 1, 0), (low, 1, 0)), high)["item"].tolist() == [low]


def test_removing_an_unknown_item_changes_nothing() -> None:
    assert remove(ledger((1, 1, 0)), 2).tolist() == [(1, 1.0, 0)]


def test_adding_does_not_change_the_given_ledger() -> None:
    before = ledger((1, 1.0, 0))
    add(before, 1, 1.0, 0, limit=3, half_life_ms=HOUR)

    assert before.tolist() == [(1, 1.0, 0)]


def test_weights_do_not_grow_for_times_before_the_entry() -> None:
    assert faded(ledger((1, 1.0, 2 * HOUR)), 0, HOUR).tolist() == [1.0]


def test_faded_weights_are_float32() -> None:
    found = faded(ledger((1, 1.0, 0)), HOUR, HOUR)

    assert found.dtype == np.float32
    assert found.tolist() == [0.5]
