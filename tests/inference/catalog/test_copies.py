"""Which row stands for a picture, checked against a dictionary of all rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.item import picture_key
from inference.catalog.copied_pictures import KEPT_WORDS
from inference.catalog.copies import SAME_PICTURE, Copies, Heads, distinct, first_distinct


def update(copies: Copies, changes: dict[int, tuple[int, bool]]) -> Heads:
    """Rows with the key of their picture, and whether they can be shown."""
    rows, keys = np.array([*changes], np.int64), np.array([key for key, _ in changes.values()], np.uint64)
    return copies.update(rows, keys, np.array([linked for _, linked in changes.values()], np.bool_))


def members(copies: Copies, row: int, most: int = 99) -> set[int]:
    return set(copies.members(np.array([row]), most).tolist())


@pytest.fixture
def copies() -> Copies:
    """Rows 0, 1 and 2 show one picture, row 3 another one, row 4 cannot be shown."""
    copies = Copies()
    update(copies, {0: (7, True), 1: (7, True), 2: (7, True), 3: (8, True), 4: (7, False)})
    return copies


def test_the_first_row_of_a_picture_stands_for_all(copies: Copies) -> None:
    assert copies.heads(np.array([7, 8, 9], np.uint64)).tolist() == [0, 3, -1]
    assert (len(copies), copies.has_any) == (2, True)
    assert members(copies, 0) == members(copies, 2) == {0, 1, 2}
    assert members(copies, 4) == members(copies, -1) == set()


def test_of_many_rows_of_a_picture_so_many_as_asked_for_are_given(copies: Copies) -> None:
    assert copies.members(np.array([1, 3, 4, -1]), 2).tolist() == [1, 0, 3]


def test_one_of_each_is_the_first_that_can_be_shown(copies: Copies) -> None:
    assert copies.one_of_each(np.array([4, 3, 2, 0])).tolist() == [3, 2]


def test_when_the_head_goes_another_row_takes_its_place(copies: Copies) -> None:
    gone, new = update(copies, {0: (7, False)})

    assert (gone.tolist(), len(new), new[0] in (1, 2)) == ([0], 1, True)
    assert members(copies, int(new[0])) == {1, 2}


def test_when_another_row_goes_or_comes_the_head_stays(copies: Copies) -> None:
    assert [len(each) for each in update(copies, {1: (7, False), 4: (7, True), 3: (8, True)})] == [0, 0]
    assert members(copies, 0) == {0, 2, 4}


def test_the_last_row_takes_its_picture_with_it(copies: Copies) -> None:
    assert [each.tolist() for each in update(copies, {3: (0, False)})] == [[3], []]
    assert copies.heads(np.array([8], np.uint64)).tolist() == [-1]


def test_a_row_with_another_picture_moves(copies: Copies) -> None:
    gone, new = update(copies, {3: (9, True), 0: (8, True)})

    assert (sorted(gone.tolist()), set(new.tolist()) >= {0, 3}) == ([0, 3], True)
    assert copies.heads(np.array([9, 8], np.uint64)).tolist() == [3, 0]


def test_what_was_filled_is_linked_with_the_preferred_heads() -> None:
    copies = Copies(np.array([5, 6, 5, 5, 0], np.uint64))
    rows, preferred = np.array([0, 1, 2, 3]), np.array([False, False, True, False])

    assert sorted(copies.fill(rows, preferred).tolist()) == [1, 2]
    assert (members(copies, 2), members(copies, 1), copies.has_any) == ({0, 2, 3}, {1}, True)


@given(
    st.lists(st.dictionaries(st.integers(0, 9), st.tuples(st.integers(1, 4), st.booleans()), max_size=6), max_size=8)
)
def test_however_rows_come_and_go_each_picture_has_one_head(batches: list[dict[int, tuple[int, bool]]]) -> None:
    copies, known, indexed = Copies(), dict[int, tuple[int, bool]](), set[int]()
    for batch in batches:
        known |= batch
        gone, new = update(copies, batch)
        assert set(gone.tolist()) <= indexed
        indexed = indexed - set(gone.tolist()) | set(new.tolist())
        rows = {key: {row for row, (own, shown) in known.items() if shown and own == key} for key in range(1, 5)}
        heads = dict(enumerate(copies.heads(np.arange(1, 5, dtype=np.uint64)).tolist(), start=1))
        assert indexed == {head for head in heads.values() if head >= 0}
        assert {key: members(copies, head) for key, head in heads.items()} == rows
        assert copies.has_any == any(len(each) > 1 for each in rows.values())
        refilled = Copies(copies.keys[:10])
        shown = np.array(sorted(row for each in rows.values() for row in each), np.int64)
        assert set(refilled.fill(shown, np.isin(shown, [*indexed])).tolist()) == indexed


NO_HASHES = np.zeros((60, KEPT_WORDS), np.uint64)


def halves(*angles: float) -> NDArray[np.uint16]:
    """Vectors at these angles to the first."""
    vectors: NDArray[np.uint16] = np.array([(np.cos(a), np.sin(a)) for a in angles], np.float16).view(np.uint16)
    return vectors


def test_the_first_of_nearly_equal_pictures_are_distinct() -> None:
    same = float(np.arccos(SAME_PICTURE))
    vectors = halves(0.0, same / 2, 2 * same, 3.0, 0.0)

    assert distinct(np.array([1, 0, 4, 2, 3]), vectors, NO_HASHES, 9).tolist() == [1, 2, 3]
    assert distinct(np.array([1, 0, 4, 2, 3]), vectors, NO_HASHES, 2).tolist() == [1, 2]
    assert distinct(np.zeros(0, np.int64), vectors, NO_HASHES, 2).tolist() == []


def test_the_best_with_different_pictures_are_found_behind_many_copies_of_one() -> None:
    vectors = halves(*[0.0] * 50, 1.0, 2.0, 3.0)
    rows = np.arange(53)

    assert first_distinct(rows, -rows, vectors, NO_HASHES, 3).tolist() == [0, 50, 51]
    assert first_distinct(rows, -rows, vectors, NO_HASHES, 3, lambda best: best[best != 50]).tolist() == [0, 51, 52]
    assert first_distinct(rows, -rows, vectors, NO_HASHES, 9).tolist() == [0, 50, 51, 52]


def test_rows_with_the_same_hashes_are_copies_however_little_their_vectors_are_alike() -> None:
    hashes = NO_HASHES.copy()
    hashes[[0, 2]], hashes[3] = 7, 8

    found = distinct(np.arange(5), halves(0.0, 1.0, 2.0, 3.0, 4.0), hashes, 9)

    assert found.tolist() == [0, 1, 3, 4]


def test_the_key_of_a_picture_is_that_of_its_bytes() -> None:
    assert picture_key(b"\0<" * 8) == picture_key(bytes(b"\0<" * 8)) != picture_key(b"\0<" * 7 + b"\1<")
