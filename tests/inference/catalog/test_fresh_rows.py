import numpy as np

from inference.catalog.fresh_rows import FRESH_LIMIT, FreshRows


def test_rows_that_are_gone_or_uploaded_again_since_are_passed_over() -> None:
    fresh, available, uploaded_ms = FreshRows(), np.array([True, False, True, True]), np.array([1, 2, 9, 4])
    for row, at_ms in enumerate((1, 2, 3, 4)):
        fresh.note(row, at_ms)
    assert fresh.newest(available, uploaded_ms).tolist() == [3, 0]


def test_of_more_uploads_than_the_limit_the_latest_are_kept() -> None:
    count = FRESH_LIMIT + 10
    fresh = FreshRows()
    for row in range(count):
        fresh.note(row, row)
    newest = fresh.newest(np.ones(count, np.bool_), np.arange(count))
    assert newest.tolist() == list(range(count - 1, 9, -1))


def test_an_answer_is_kept_until_the_catalogue_changes() -> None:
    fresh, available = FreshRows(), np.array([True, True])
    fresh.rebuild(available, np.array([1, 2]))
    assert fresh.newest(available, np.array([1, 2])).tolist() == [1, 0]
    available[1] = False
    assert fresh.newest(available, np.array([1, 2])).tolist() == [1, 0]
    fresh.changed()
    assert fresh.newest(available, np.array([1, 2])).tolist() == [0]
