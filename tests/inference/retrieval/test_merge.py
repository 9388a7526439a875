import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.retrieval.merge import CO_CHOICE, SESSION, USERS_LIMIT, Merged, Proposals, merge

NOTHING = Proposals([np.zeros(0, np.int64)])


def rows(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def pairs(found: Merged) -> list[tuple[int, int]]:
    return list(zip(found.users.tolist(), found.rows.tolist(), strict=True))


def test_rows_go_to_each_user() -> None:
    found = merge([*[NOTHING] * 4, Proposals([rows(3, 1), rows(), rows(2)])], 3)

    assert pairs(found) == [(0, 1), (0, 3), (2, 2)]
    assert found.first.tolist() == found.last.tolist() == [4, 4, 4]


def test_rows_go_to_all_users() -> None:
    assert pairs(merge([Proposals([rows(3, 1)])], 2)) == [(0, 1), (0, 3), (1, 1), (1, 3)]


def test_nothing_is_merged_to_nothing() -> None:
    assert pairs(merge([NOTHING], 1)) == []


def test_a_row_of_several_sources_has_the_first_and_the_last() -> None:
    proposed = [NOTHING] * 6
    proposed[0], proposed[5], proposed[2] = (Proposals([each]) for each in (rows(5, 9), rows(9), rows(9, 7)))
    found = merge(proposed, 1)

    assert found.rows.tolist() == [5, 7, 9]
    assert found.first.tolist() == [0, 2, 0]
    assert found.last.tolist() == [0, 2, 5]


def test_a_follower_adds_up_and_names_what_it_follows_most() -> None:
    strengths = np.array([0.25, 0.5, 0.125], np.float32)
    followers = Proposals([rows(9, 9, 7)], strengths, rows(3, 4, 3))

    found = merge([Proposals([rows(5, 9)]), followers], 1)

    assert found.rows.tolist() == [5, 7, 9]
    assert found.strengths[CO_CHOICE].tolist() == [0.0, 0.125, 0.75]
    assert found.origins[CO_CHOICE].tolist() == [-1, 3, 4]
    assert found.first.tolist() == [0, 1, 0]


def test_each_user_has_the_strengths_of_its_own_followers() -> None:
    strengths = np.array([0.25, 0.5, 0.125], np.float32)
    followers = Proposals([rows(9), rows(), rows(9, 7)], strengths, rows(3, 4, 5))

    found = merge([Proposals([rows(9)]), followers], 3)

    assert pairs(found) == [(0, 9), (1, 9), (2, 7), (2, 9)]
    assert found.strengths[CO_CHOICE].tolist() == [0.25, 0.0, 0.125, 0.5]
    assert found.origins[CO_CHOICE].tolist() == [3, -1, 5, 4]


def test_followers_for_all_users_have_their_strengths_with_each() -> None:
    followers = Proposals([rows(9, 7)], np.array([0.25, 0.5], np.float32), rows(3, 4))

    found = merge([followers], 2)

    assert found.strengths[CO_CHOICE].tolist() == [0.5, 0.25] * 2
    assert found.origins[CO_CHOICE].tolist() == [4, 3] * 2


def test_a_follower_that_has_no_row_is_passed_over() -> None:
    found = merge([Proposals([rows(-1, 7)], np.ones(2, np.float32), rows(3, 4))], 1)

    assert (found.rows.tolist(), found.origins[CO_CHOICE].tolist()) == ([7], [4])


def test_the_last_user_and_the_last_row_fit() -> None:
    last = 2**31 - 1
    found = merge([Proposals([rows()] * (USERS_LIMIT - 1) + [rows(last, 0, last)])], USERS_LIMIT)

    assert pairs(found) == [(USERS_LIMIT - 1, 0), (USERS_LIMIT - 1, last)]


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), min_size=1, max_size=5))
def test_each_row_of_a_user_comes_once(proposed: list[list[int]]) -> None:
    found = merge([Proposals([rows(*each) for each in proposed])], len(proposed))

    assert pairs(found) == [(user, row) for user, each in enumerate(proposed) for row in sorted(set(each))]


def test_strengths_of_two_kinds_are_not_added_up() -> None:
    followers = Proposals([rows(9, 7)], np.array([0.25, 0.5], np.float32), rows(3, 4))
    in_sessions = Proposals([rows(9)], np.array([0.75], np.float32), rows(5), SESSION)

    found = merge([Proposals([rows(1)]), followers, in_sessions], 1)

    assert found.rows.tolist() == [1, 7, 9]
    assert found.strengths.tolist() == [[0.0, 0.5, 0.25], [0.0, 0.0, 0.75], [0.0, 0.0, 0.0]]
    assert found.origins.tolist() == [[-1, 4, 3], [-1, -1, 5], [-1, -1, -1]]


def test_a_row_knows_each_source_that_proposed_it() -> None:
    found = merge([Proposals([rows(5, 9)]), Proposals([rows(9, 9, 7)]), Proposals([rows(7)])], 1)

    assert found.rows.tolist() == [5, 7, 9]
    assert found.proposers.tolist() == [0b001, 0b110, 0b011]
