import numpy as np
from numpy.typing import NDArray

from inference.catalog.fresh_rows import FRESH_LIMIT, FreshRows


def all_of(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """All have different pictures."""
    return rows


def odd_and_even(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """There are two pictures."""
    firsts = [next((row for row in rows.tolist() if row % 2 == picture), None) for picture in (0, 1)]
    return np.array([row for row in rows.tolist() if row in firsts], np.int64)


def test_rows_that_are_gone_or_uploaded_again_since_are_passed_over() -> None:
    fresh, available, uploaded_ms = FreshRows(all_of), np.array([True, False, True, True]), np.array([1, 2, 9, 4])
    for row, at_ms in enumerate((1, 2, 3, 4)):
        fresh.note(row, at_ms)
    assert fresh.newest(available, uploaded_ms).tolist() == [3, 0]


def test_of_more_uploads_than_the_limit_the_latest_are_kept() -> None:
    count = FRESH_LIMIT + 10
    fresh = FreshRows(all_of)
    for row in range(count):
        fresh.note(row, row)
    newest = fresh.newest(np.ones(count, np.bool_), np.arange(count))
    assert newest.tolist() == list(range(count - 1, 9, -1))


def test_an_answer_is_kept_until_the_catalogue_changes() -> None:
    fresh, available = FreshRows(all_of), np.array([True, True])
    fresh.rebuild(available, np.array([1, 2]))
    assert fresh.newest(available, np.array([1, 2])).tolist() == [1, 0]
    available[1] = False
    assert fresh.newest(available, np.array([1, 2])).tolist() == [1, 0]
    fresh.changed()
    assert fresh.newest(available, np.array([1, 2])).tolist() == [0]


def test_many_copies_leave_room_for_an_older_picture() -> None:
    count = 3 * FRESH_LIMIT
    fresh, shown, uploaded_ms = FreshRows(odd_and_even), np.ones(count, np.bool_), np.arange(count)
    shown[3::2] = False  # but for row 1 all are copies of row 0
    for row in range(count):
        if shown[row]:
            fresh.note(row, row)

    assert fresh.newest(shown, uploaded_ms).tolist() == [count - 2, 1]
