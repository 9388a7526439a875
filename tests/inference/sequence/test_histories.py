from dataclasses import replace

import numpy as np
import pytest

from inference.errors import NothingToLearn
from inference.sequence import histories
from inference.sequence.histories import check, known_ids, latest_of_users, pieces
from tests.harness.sequences import circle


def test_a_history_is_cut_into_pieces_each_with_what_comes_next() -> None:
    places, following = pieces(np.array([0, 1, 0, 0, 0]), 2, np.array([0, 0]))

    assert places.tolist() == [[0, 2], [3, -1]]
    assert following.tolist() == [[2, 3], [4, -1]]


def test_another_offset_cuts_elsewhere() -> None:
    places, _ = pieces(np.array([0, 0, 0, 0]), 2, np.array([1]))
    assert places.tolist() == [[0, -1], [1, 2]]


def test_a_user_with_one_choice_has_no_piece() -> None:
    places, _ = pieces(np.array([0, 1]), 4, np.array([0, 0]))
    assert places.shape == (0, 4)


def test_of_a_user_with_100_000_choices_the_latest_count() -> None:
    users = np.concatenate([np.zeros(100_000, np.int64), [1, 0, 1]])
    latest = latest_of_users(users)

    assert np.bincount(users[latest]).tolist() == [histories.USER_LIMIT, 2]
    assert latest[-3:].tolist() == [100_000, 100_001, 100_002]
    assert (np.diff(latest) > 0).all()


def test_items_without_a_choice_are_not_known_by_id() -> None:
    assert known_ids(np.array([3, 1, 3]), 5).tolist() == [0, 1, 0, 2, 0]


def test_the_most_chosen_items_are_known_by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "ITEMS_LIMIT", 1)
    assert known_ids(np.array([3, 1, 3]), 5).tolist() == [0, 0, 0, 1, 0]


def test_one_choice_of_each_user_is_nothing_to_learn() -> None:
    with pytest.raises(NothingToLearn, match="no user"):
        check(circle(users=5, steps=1))


def test_an_empty_log_is_nothing_to_learn() -> None:
    with pytest.raises(NothingToLearn, match="0 choices"):
        check(circle(users=0))


def test_one_item_is_nothing_to_learn() -> None:
    with pytest.raises(NothingToLearn, match="one item"):
        check(replace(circle(users=1), items=np.zeros(12, np.int64)))
