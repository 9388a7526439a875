import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.proposals import NO_PROPOSALS, USERS_LIMIT, joined, merge, to_all, to_each


def rows(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def test_rows_go_to_each_user() -> None:
    found = to_each([rows(3, 1), rows(), rows(2)], 4)

    assert found.users.tolist() == [0, 0, 2]
    assert found.rows.tolist() == [3, 1, 2]
    assert found.sources.tolist() == [4, 4, 4]


def test_rows_go_to_all_users() -> None:
    found = to_all(rows(3, 1), 2, 2)

    assert (found.users.tolist(), found.rows.tolist()) == ([0, 0, 1, 1], [3, 1, 3, 1])


def test_nothing_is_merged_to_nothing() -> None:
    merged = merge(NO_PROPOSALS)

    assert len(merged.rows) == len(merged.users) == len(merged.starts) == 0


def test_the_first_proposal_of_a_row_is_the_one_that_was_made_first() -> None:
    merged = merge(joined(to_each([rows(5, 9)], 0), to_each([rows(9, 5, 7)], 1)))

    assert merged.rows.tolist() == [5, 7, 9]
    assert merged.first(np.arange(5)).tolist() == [0, 4, 1]


def test_the_last_user_and_the_last_row_fit() -> None:
    last = 2**31 - 1
    merged = merge(to_each([rows()] * (USERS_LIMIT - 1) + [rows(last, 0, last)], 0))

    assert merged.users.tolist() == [USERS_LIMIT - 1] * 2
    assert merged.rows.tolist() == [0, last]


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), min_size=1, max_size=5))
def test_each_row_of_a_user_comes_once(proposed: list[list[int]]) -> None:
    merged = merge(to_each([rows(*each) for each in proposed], 0))

    expected = [(user, row) for user, each in enumerate(proposed) for row in sorted(set(each))]
    assert list(zip(merged.users.tolist(), merged.rows.tolist(), strict=True)) == expected
