import numpy as np
from numpy.typing import NDArray

from inference.behaviour.numbers import Numbers


def keys(*values: int) -> NDArray[np.uint64]:
    return np.array(values, np.uint64)


def test_a_key_has_one_number_and_an_unknown_one_has_none() -> None:
    numbers = Numbers(10)
    given = numbers.give(keys(7, 9, 7)).tolist()

    assert given[0] == given[2] != given[1]
    assert 0 not in given
    assert numbers.give(keys(7)).tolist() == given[:1]
    assert numbers.find(keys(9, 8)).tolist() == [given[1], 0]
    assert numbers.keys[given].tolist() == [7, 9, 7]


def test_a_number_that_is_given_back_is_given_again() -> None:
    numbers = Numbers(2)
    seven, _ = numbers.give(keys(7, 9)).tolist()
    numbers.give_back(np.array([seven]))

    assert numbers.find(keys(7)).tolist() == [0]
    assert len(numbers) == 1
    assert numbers.give(keys(5)).tolist() == [seven]
    assert numbers.keys[seven] == 5
