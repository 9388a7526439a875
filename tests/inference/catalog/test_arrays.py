import numpy as np

from inference.catalog.arrays import ROOM, VectorRows, room, roomier


def test_every_float16_is_given_as_the_float32_that_it_is() -> None:
    numbers = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(-1, 64)
    numbers = numbers[np.isfinite(numbers).all(axis=1)]
    vectors = VectorRows(64)
    vectors.put(np.arange(len(numbers)), numbers.astype(np.float32))

    np.testing.assert_array_equal(vectors[np.arange(len(numbers))], numbers.astype(np.float32))


def test_rows_are_given_in_the_shape_that_is_asked_for() -> None:
    vectors = VectorRows(2)
    vectors.put(np.array([4, 1]), np.array([[1, 2], [3, 4]], np.float32))

    assert vectors[np.array([[1, 4], [4, 1]])].tolist() == [[[3, 4], [1, 2]], [[1, 2], [3, 4]]]
    assert vectors[np.zeros((3, 0), np.int64)].shape == (3, 0, 2)
    assert vectors[np.array([-1])].shape == (1, 2)


def test_what_is_given_is_a_copy() -> None:
    vectors = VectorRows(2)
    given = vectors[np.array([0])]
    vectors.put(np.array([0]), np.ones((1, 2), np.float32))

    assert not given.any()


def test_an_embedding_is_replaced_by_another_one_only() -> None:
    vectors, embedding = VectorRows(2), np.array([0.5, 0.25], "<f2").tobytes()

    assert vectors.replace(3, embedding)
    assert not vectors.replace(3, embedding)
    assert vectors.stored(4).tolist() == [[0, 0], [0, 0], [0, 0], [0.5, 0.25]]


def test_room_is_taken_for_many_rows_and_is_twice_as_much_when_they_are_more() -> None:
    few = np.arange(6, dtype=np.int32).reshape(3, 2)

    assert room(np.bool_, 2).shape == (ROOM, 2)
    assert roomier(few, 3) is few
    assert roomier(few, 4).tolist() == [[0, 1], [2, 3], [4, 5], [0, 0], [0, 0], [0, 0]]
    assert len(roomier(few, 10)) == 10


def test_one_vector_is_written_as_many_are() -> None:
    many, one = VectorRows(2), VectorRows(2)
    many.put(np.array([5]), np.array([[0.1, -7.3]], np.float32))
    one.put_one(5, np.array([0.1, -7.3], np.float32))
    np.testing.assert_array_equal(one.halves[:6], many.halves[:6])
