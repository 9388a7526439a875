import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.catalog.key_table import KeyedRows


def keys(*numbers: int) -> NDArray[np.uint64]:
    return np.array(numbers, np.uint64)


def random_keys(count: int) -> NDArray[np.uint64]:
    return np.random.default_rng(0).integers(1, 1 << 64, count, dtype=np.uint64)


def test_a_key_leads_to_its_row_and_an_unknown_one_to_none() -> None:
    rows = KeyedRows()
    rows.put(keys(7, (1 << 64) - 1), np.array([0, 5]))

    assert rows.find(keys((1 << 64) - 1, 8, 7, 7)).tolist() == [5, -1, 0, 0]
    assert rows.find(keys()).tolist() == []
    assert len(rows) == 2


def test_what_is_taken_out_is_not_found_and_may_come_back_in_another_row() -> None:
    rows = KeyedRows()
    rows.put(keys(1, 2), np.array([10, 20]))
    rows.remove(keys(1))
    assert (rows.find(keys(1, 2)).tolist(), len(rows)) == ([-1, 20], 1)

    rows.put(keys(1), np.array([30]))
    assert rows.find(keys(1, 2)).tolist() == [30, 20]


@pytest.mark.parametrize("at_once", [1_000, 100_000])
def test_a_table_that_grows_loses_no_key(at_once: int) -> None:
    many, rows = random_keys(100_000), KeyedRows()
    for start in range(0, len(many), at_once):
        rows.put(many[start : start + at_once], np.arange(start, start + at_once))

    assert rows.find(many).tolist() == list(range(len(many)))
    assert (rows.find(many + np.uint64(1)) == -1).all()


def test_keys_that_fall_into_one_bucket_are_all_found() -> None:
    alike, rows = np.arange(1, 101, dtype=np.uint64) << np.uint64(32), KeyedRows()
    for start in range(0, 100, 25):
        rows.put(alike[start : start + 25], np.arange(start, start + 25))
    assert rows.find(alike).tolist() == list(range(100))

    rows.put(random_keys(100_000), np.arange(100, 100_100))
    assert rows.find(alike).tolist() == list(range(100))

    rows.remove(alike[::2])
    assert rows.find(alike).tolist() == [-1 if row % 2 == 0 else row for row in range(100)]


def test_the_low_half_of_a_key_leads_to_its_row_in_a_bucket_or_beside_it() -> None:
    few, many, rows = keys(5 << 32 | 7, 9), random_keys(100_000), KeyedRows()
    rows.put(few, np.array([0, 1]))
    assert rows.find_low(np.array([7, 9, 8, 0], np.uint32)).tolist() == [0, 1, -1, -1]
    assert rows.find_low(np.zeros(0, np.uint32)).tolist() == []

    rows.put(many, np.arange(2, 100_002))
    low_halves = many.astype(np.uint32)
    found = rows.find_low(low_halves)
    # A few of so many share their low half with another key, whose row is as good.
    assert (many[found - 2].astype(np.uint32) == low_halves).all()
    assert (found == np.arange(2, 100_002)).mean() > 0.9999

    alike = np.arange(1, 41, dtype=np.uint64) << np.uint64(20) | np.uint64(3)
    spilled = KeyedRows()
    spilled.put(alike, np.arange(40))
    assert spilled.find_low(alike.astype(np.uint32)).tolist() == list(range(40))
    spilled.remove(alike[::2])
    assert spilled.find_low(alike.astype(np.uint32)).tolist() == [-1 if row % 2 == 0 else row for row in range(40)]
    spilled.put(alike[:2:2], np.array([99]))
    assert spilled.find_low(alike.astype(np.uint32))[:2].tolist() == [99, 1]


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.integers(1, 40).map(lambda n: n << 20), st.booleans(), max_size=30), max_size=6))
def test_it_is_a_dict(batches: list[dict[int, bool]]) -> None:
    rows, known = KeyedRows(), dict[int, int]()
    for batch in batches:
        left = [key for key, stays in batch.items() if key in known and not stays]
        new = {key: 1000 + key % 997 for key, stays in batch.items() if stays and key not in known}
        rows.remove(keys(*left))
        rows.put(keys(*new), np.array([*new.values()], np.int64))
        known = {key: row for key, row in (known | new).items() if key not in left}

        asked = [*batch, *known]
        assert rows.find(keys(*asked)).tolist() == [known.get(key, -1) for key in asked]
        assert len(rows) == len(known)
