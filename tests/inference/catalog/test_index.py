from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.catalog.arrays import VectorRows
from inference.catalog.index import BULK, HnswIndex


def unit_vectors(count: int, seed: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).standard_normal((count, 64)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def rows(*numbers: int) -> NDArray[np.uint64]:
    return np.array(numbers, np.uint64)


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    return unit_vectors(5_000, seed=1)


@pytest.fixture(scope="module")
def full(vectors: NDArray[np.float32]) -> HnswIndex:
    index = HnswIndex(64)
    index.add(np.arange(len(vectors), dtype=np.uint64), vectors)
    return index


def recall(index: HnswIndex, vectors: NDArray[np.float32], present: NDArray[np.int64], count: int = 50) -> float:
    """The share of the truly nearest that the index finds, over 100 random queries."""
    queries = unit_vectors(100, seed=2)
    exact = present[np.argsort(-(queries @ vectors[present].T), axis=1)[:, :count]]
    found, _ = index.search(queries, count)
    return float(np.mean([np.isin(mine, truth).sum() / count for mine, truth in zip(found, exact, strict=True)]))


def test_nearly_all_of_the_nearest_fifty_are_found(full: HnswIndex, vectors: NDArray[np.float32]) -> None:
    assert recall(full, vectors, np.arange(len(vectors))) >= 0.95


def test_one_by_one_or_in_bulk_nearly_all_of_the_nearest_are_found(vectors: NDArray[np.float32]) -> None:
    index = HnswIndex(64)
    for start in range(0, 2_000, BULK - 1):
        part = np.arange(start, min(start + BULK - 1, 2_000))
        index.add(part.astype(np.uint64), vectors[part])

    assert recall(index, vectors, np.arange(2_000)) >= 0.95


def test_what_is_found_is_ordered_by_its_similarity(full: HnswIndex, vectors: NDArray[np.float32]) -> None:
    queries = unit_vectors(20, seed=3)
    found, similarities = full.search(queries, 50)

    np.testing.assert_allclose(similarities, np.einsum("qd,qkd->qk", queries, vectors[found]), atol=2e-3)
    assert (np.diff(similarities, axis=1) <= 1e-3).all()


def test_an_index_that_lost_most_rows_still_finds_the_others(vectors: NDArray[np.float32]) -> None:
    index = HnswIndex(64)
    index.add(np.arange(2_000, dtype=np.uint64), vectors[:2_000])
    kept = np.arange(0, 2_000, 10)
    index.remove(np.setdiff1d(np.arange(2_000), kept).astype(np.uint64))

    assert len(index) == 200
    assert recall(index, vectors, kept, count=20) >= 0.95


def test_nor_does_one_that_was_kept_in_a_file_lose_them(vectors: NDArray[np.float32], tmp_path: Path) -> None:
    stored = VectorRows(64)
    index, again = HnswIndex(64, stored), HnswIndex(64, stored)
    index.add(np.arange(2_000, dtype=np.uint64), vectors[:2_000])
    kept = np.arange(0, 2_000, 10)
    index.remove(np.setdiff1d(np.arange(2_000), kept).astype(np.uint64))
    index.save(tmp_path / "index")
    again.load(tmp_path / "index")

    assert recall(again, vectors, kept, count=20) >= 0.95


def test_an_index_whose_rows_were_replaced_finds_the_new_vectors(vectors: NDArray[np.float32]) -> None:
    index = HnswIndex(64)
    for part in (vectors[:2_000], vectors[2_000:4_000], vectors[1_000:3_000]):
        index.add(np.arange(2_000, dtype=np.uint64), part)

    assert len(index) == 2_000
    assert recall(index, vectors[1_000:3_000], np.arange(2_000), count=20) >= 0.95


def test_the_same_row_is_found_under_its_last_vector() -> None:
    index = HnswIndex(2)
    index.add(rows(7), np.array([[1, 0]], np.float32))
    index.add(rows(7), np.array([[0, 1]], np.float32))

    found, similarities = index.search(np.array([[0, 1]], np.float32), 2)

    assert found.tolist() == [[7, -1]]
    assert similarities[0].tolist() == pytest.approx([1, -1], abs=1e-3)


def test_fewer_rows_than_asked_for_are_padded() -> None:
    index = HnswIndex(2)
    index.add(rows(3, 4), np.eye(2, dtype=np.float32))

    found, similarities = index.search(np.eye(2, dtype=np.float32), 4)

    assert found.tolist() == [[3, 4, -1, -1], [4, 3, -1, -1]]
    assert similarities.shape == (2, 4)


def test_an_empty_index_finds_nothing() -> None:
    found, similarities = HnswIndex(2).search(np.eye(2, dtype=np.float32), 3)

    assert found.tolist() == [[-1] * 3] * 2
    assert similarities.tolist() == [[-1.0] * 3] * 2


def test_an_emptied_index_finds_nothing() -> None:
    index = HnswIndex(2)
    index.add(rows(1), np.eye(2, dtype=np.float32)[:1])
    index.remove(rows(1))

    assert len(index) == 0
    assert index.search(np.eye(2, dtype=np.float32), 1)[0].tolist() == [[-1], [-1]]


def test_no_query_has_no_answer(full: HnswIndex) -> None:
    assert full.search(np.empty((0, 64), np.float32), 5)[0].shape == (0, 5)


def test_removing_rows_that_are_not_there_or_twice_is_passed_over() -> None:
    index = HnswIndex(2)
    index.add(rows(1, 2), np.eye(2, dtype=np.float32))
    index.remove(rows(9, 1, 1))
    index.remove(rows())

    assert len(index) == 1
