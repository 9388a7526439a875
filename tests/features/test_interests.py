import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from features.interests import INTERESTS_LIMIT, Interests, find_interests
from tests.harness.catalog import vector


def weights(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


def interests_of(vectors: NDArray[np.float32], given_weights: NDArray[np.float32]) -> Interests:
    """Those of one user, without the room for more."""
    found = find_interests(vectors[None], given_weights[None])
    count = np.count_nonzero(found.shares)
    assert (found.medoids[0] >= 0).tolist() == [place < count for place in range(INTERESTS_LIMIT)]
    assert not found.centres[0, count:].any()
    return Interests(found.centres[0, :count], found.shares[0, :count], found.medoids[0, :count])


def test_two_colours_are_two_interests() -> None:
    names = ["red-0", "blue-0", "red-1", "blue-1", "red-2"]
    found = interests_of(np.stack([vector(name) for name in names]), weights(1, 1, 1, 1, 1))

    assert found.shares.tolist() == pytest.approx([0.6, 0.4])
    assert found.centres @ vector("red-9") == pytest.approx([0.78, 0.0], abs=0.01)
    assert found.centres @ vector("blue-9") == pytest.approx([0.0, 0.76], abs=0.01)


def test_the_heavier_colour_is_the_first_interest() -> None:
    found = interests_of(np.stack([vector("red-0"), vector("blue-0")]), weights(1, 3))

    assert found.centres[0] @ vector("blue-0") == pytest.approx(1)
    assert found.shares.tolist() == pytest.approx([0.75, 0.25])


def test_one_item_is_one_interest() -> None:
    found = interests_of(vector("red-0")[None], weights(0.01))

    np.testing.assert_allclose(found.centres, vector("red-0")[None], atol=1e-6)
    assert found.shares.tolist() == [1.0]


def test_no_items_are_no_interest() -> None:
    found = interests_of(np.empty((0, 8), np.float32), weights())

    assert found.centres.shape == (0, 8)
    assert found.shares.shape == (0,)


def test_weights_that_faded_to_nothing_are_no_interest() -> None:
    assert len(interests_of(vector("red-0")[None], weights(0)).shares) == 0


def test_an_item_of_small_weight_is_no_interest() -> None:
    found = interests_of(np.stack([vector("red-0"), vector("blue-0")]), weights(1, 0.05))

    assert len(found.shares) == 1


def test_a_fifth_taste_is_left_out() -> None:
    found = interests_of(np.eye(5, dtype=np.float32), weights(5, 4, 3, 2, 1))

    assert len(found.shares) == INTERESTS_LIMIT == 4
    assert found.centres.tolist() == np.eye(5)[:4].tolist()


def test_each_user_is_clustered_alone() -> None:
    vectors = np.stack([[vector("red-0"), vector("blue-0")], [vector("red-0"), np.zeros_like(vector("red-0"))]])
    found = find_interests(vectors, np.array([[1, 3], [1, 0]], np.float32))

    assert found.medoids[:, :2].tolist() == [[1, 0], [0, -1]]
    assert found.shares[:, :2].tolist() == [[0.75, 0.25], [1.0, 0.0]]


raw = arrays(np.float32, (12, 6), elements=st.sampled_from([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]))


@given(raw, arrays(np.float32, 12, elements=st.floats(0.0625, 8, width=16)))
def test_centres_are_unit_vectors_and_shares_no_more_than_the_whole(
    vectors: NDArray[np.float32], given_weights: NDArray[np.float32]
) -> None:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    found = interests_of(unit, given_weights)

    assert 1 <= len(found.shares) <= INTERESTS_LIMIT
    np.testing.assert_allclose(np.linalg.norm(found.centres, axis=1), 1, atol=1e-4)
    assert float(found.shares.sum()) <= 1 + 1e-5
    assert (found.shares > 0).all()
