from collections.abc import Mapping, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.retrieval.merge import NONE_CO_ENGAGED, USERS_LIMIT, CoEngaged, Merged, merge

FOLLOWERS = 1


def rows(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def merged(
    to_each: Mapping[int, Sequence[NDArray[np.int64]]],
    to_all: Mapping[int, NDArray[np.int64]] | None = None,
    *,
    followers: CoEngaged = NONE_CO_ENGAGED,
    users: int = 1,
) -> Merged:
    return merge(followers, FOLLOWERS, to_each, to_all or {}, users)


def pairs(found: Merged) -> list[tuple[int, int]]:
    return list(zip(found.users.tolist(), found.rows.tolist(), strict=True))


def test_rows_go_to_each_user() -> None:
    found = merged({4: [rows(3, 1), rows(), rows(2)]}, users=3)

    assert pairs(found) == [(0, 1), (0, 3), (2, 2)]
    assert found.first.tolist() == found.last.tolist() == [4, 4, 4]


def test_rows_go_to_all_users() -> None:
    assert pairs(merged({}, {2: rows(3, 1)}, users=2)) == [(0, 1), (0, 3), (1, 1), (1, 3)]


def test_nothing_is_merged_to_nothing() -> None:
    assert pairs(merged({})) == []


def test_a_row_of_several_sources_has_the_first_and_the_last() -> None:
    found = merged({0: [rows(5, 9)], 5: [rows(9)]}, {2: rows(9, 7)})

    assert found.rows.tolist() == [5, 7, 9]
    assert found.first.tolist() == [0, 2, 0]
    assert found.last.tolist() == [0, 2, 5]


def test_a_follower_adds_up_and_names_what_it_follows_most() -> None:
    strengths = np.array([0.25, 0.5, 0.125], np.float32)
    followers = CoEngaged(rows(9, 9, 7), rows(0, 0, 0), strengths, rows(3, 4, 3))

    found = merged({0: [rows(5, 9)]}, followers=followers)

    assert found.rows.tolist() == [5, 7, 9]
    assert found.strengths.tolist() == [0.0, 0.125, 0.75]
    assert found.origins.tolist() == [-1, 3, 4]
    assert found.first.tolist() == [0, FOLLOWERS, 0]


def test_a_follower_that_has_no_row_is_passed_over() -> None:
    followers = CoEngaged(rows(-1, 7), rows(0, 0), np.ones(2, np.float32), rows(3, 4))

    found = merged({}, followers=followers)

    assert (found.rows.tolist(), found.origins.tolist()) == ([7], [4])


def test_the_last_user_and_the_last_row_fit() -> None:
    last = 2**31 - 1
    found = merged({0: [rows()] * (USERS_LIMIT - 1) + [rows(last, 0, last)]}, users=USERS_LIMIT)

    assert pairs(found) == [(USERS_LIMIT - 1, 0), (USERS_LIMIT - 1, last)]


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), min_size=1, max_size=5))
def test_each_row_of_a_user_comes_once(proposed: list[list[int]]) -> None:
    found = merged({0: [rows(*each) for each in proposed]}, users=len(proposed))

    assert pairs(found) == [(user, row) for user, each in enumerate(proposed) for row in sorted(set(each))]
