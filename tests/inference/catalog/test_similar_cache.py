"""Similar rows from memory, checked against an index that counts how often it is asked."""

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.catalog.index import HnswIndex
from inference.catalog.similar_cache import ADDED_LIMIT, SimilarCache

VECTORS = np.eye(4, dtype=np.float32)


class Counting(HnswIndex):
    """Counts the vectors that were searched for."""

    searched = 0

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        self.searched += len(queries)
        return super().search(queries, count)


@pytest.fixture
def index() -> Counting:
    index = Counting(4)
    index.add(np.arange(4, dtype=np.uint64), VECTORS)
    return index


@pytest.fixture
def similar(index: Counting) -> SimilarCache:
    return SimilarCache(index, 2, every)


def every(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.ones(len(rows), np.bool_)


def of(similar: SimilarCache, *rows: int) -> list[int]:
    (found,) = similar.of([np.array(rows, np.int64)], lambda rows: VECTORS[rows])
    return [int(row) for row in found]


def test_each_row_finds_itself_first_and_its_nearest(similar: SimilarCache) -> None:
    found = of(similar, 2, 0)
    assert (found[0], found[2], len(found)) == (2, 0, 4)


def test_a_row_is_searched_for_once(similar: SimilarCache, index: Counting) -> None:
    assert of(similar, 1, 2) + of(similar, 2, 1, 3)
    assert index.searched == 3


def test_groups_are_searched_for_together_and_answered_apart(similar: SimilarCache, index: Counting) -> None:
    groups = [np.array([1, 2]), np.array([2]), np.array([], np.int64)]
    found = similar.of(groups, lambda rows: VECTORS[rows])
    assert [len(each) for each in found] == [4, 2, 0]
    assert found[0][2] == found[1][0] == 2
    assert index.searched == 2


def test_no_rows_have_no_similar_rows(similar: SimilarCache, index: Counting) -> None:
    assert of(similar) == []
    assert index.searched == 0


def test_what_was_added_since_is_among_the_answer(similar: SimilarCache, index: Counting) -> None:
    of(similar, 1)
    similar.moved(0, [7, 8])
    assert of(similar, 1)[2:] == [8, 7]
    assert index.searched == 1


def test_after_many_additions_it_is_searched_again(similar: SimilarCache, index: Counting) -> None:
    of(similar, 1)
    similar.moved(0, range(10, 10 + ADDED_LIMIT))
    of(similar, 1)
    assert index.searched == 1
    similar.moved(0, [9])
    assert len(of(similar, 1)) == 2
    assert index.searched == 2


def test_what_a_burst_made_old_is_searched_again_by_and_by_the_oldest_first(
    similar: SimilarCache, index: Counting
) -> None:
    of(similar, 1)
    similar.moved(0, [10])
    of(similar, 2, 3)
    similar.moved(0, range(11, 12 + ADDED_LIMIT))

    searched = []
    for _ in range(4):
        searched.append(similar.unknown([np.array([3, 2, 1, 0])]))
        of(similar, 3, 2, 1, 0)
    assert searched == [[0, 1], [2], [3], []]
    assert index.searched == 7


def test_a_row_with_a_new_vector_is_searched_again(similar: SimilarCache, index: Counting) -> None:
    of(similar, 1, 2)
    similar.forget([1])
    of(similar, 1, 2)
    assert index.searched == 3


def test_no_more_rows_are_remembered_than_the_limit(index: Counting) -> None:
    similar = SimilarCache(index, 2, every, limit=2)
    for row in (0, 1, 2, 0):
        of(similar, row)
    assert index.searched == 4


def test_an_answer_of_which_too_much_has_gone_is_searched_again(index: Counting) -> None:
    shown = np.ones(4, np.bool_)
    similar = SimilarCache(index, 4, lambda rows: shown[rows])
    of(similar, 1)
    shown[2] = False
    similar.moved(1, [])
    of(similar, 1)
    assert index.searched == 1
    shown[3] = False
    similar.moved(1, [])
    index.remove(np.array([2, 3], np.uint64))
    assert sorted(of(similar, 1)) == [0, 1]
    assert index.searched == 2


def test_what_cannot_be_shown_is_not_remembered(index: Counting) -> None:
    similar = SimilarCache(index, 4, lambda rows: rows != 2)
    assert sorted(of(similar, 1)) == [0, 1, 3]
