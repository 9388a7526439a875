import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.elias_fano import pack, packed_size, unpack

numbers = st.tuples(st.integers(1, 32), st.sets(st.integers(0, 2**32 - 1), max_size=300)).map(
    lambda drawn: (drawn[0], sorted({value >> (32 - drawn[0]) for value in drawn[1]}))
)


@given(numbers)
def test_numbers_come_back_as_they_were(drawn: tuple[int, list[int]]) -> None:
    bits, values = drawn
    data = pack(np.array(values, np.uint32), bits)

    assert unpack(data, len(values), bits).tolist() == values
    assert len(data) == packed_size(len(values), bits)


@pytest.mark.parametrize(("count", "bits"), [(512, 26), (10_000, 21), (16_384, 32)])
def test_a_number_takes_two_bits_more_than_the_gaps(count: int, bits: int) -> None:
    assert packed_size(count, bits) * 8 / count <= bits - np.log2(count) + 2.1


@given(st.binary(max_size=60), st.integers(0, 40), st.integers(1, 32))
def test_bytes_are_ascending_numbers_of_that_size_or_refused(data: bytes, count: int, bits: int) -> None:
    try:
        values = unpack(data[: packed_size(count, bits)], count, bits).tolist()
    except ValueError:
        return
    assert len(values) == count
    assert values == sorted(set(values))
    assert all(value < 2**bits for value in values)


def test_bytes_of_another_length_say_so() -> None:
    with pytest.raises(ValueError, match="3 numbers of 26 bits do not take 5 bytes"):
        unpack(b"12345", 3, 26)
