"""Ascending numbers in about two bits more each than is needed for the gaps between them.

The low bits of each number are written as they are; the high bits in unary, as the gaps between one bits (Elias 1974,
"Efficient Storage and Retrieval by Content and Address of Static Files"; Fano 1971).
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled


def packed_size(count: int, bits: int) -> int:
    """How many bytes `count` numbers of `bits` take.

    >>> packed_size(0, 26), packed_size(1, 26), packed_size(512, 26), packed_size(10_000, 21)
    (0, 4, 1216, 12048)
    """
    low = _low_bits(count, bits)
    return (count * low + count + (1 << (bits - low)) + 7) // 8 if count else 0


def pack(values: NDArray[np.uint32], bits: int) -> bytes:
    """The bytes of ascending, distinct `values` uint32 [n], each below 2 to the power of `bits` (≤ 32)."""
    return bytes(_packed(values, _low_bits(len(values), bits), packed_size(len(values), bits)))


def unpack(data: bytes, count: int, bits: int) -> NDArray[np.uint32]:
    """The values of `pack`, given their number; raises ValueError for bytes that `pack` does not make."""
    if len(data) != packed_size(count, bits):
        raise ValueError(f"{count} numbers of {bits} bits do not take {len(data)} bytes")
    values, sound = _unpacked(np.frombuffer(data, np.uint8), count, _low_bits(count, bits), bits)
    if not sound:
        raise ValueError(f"{len(data)} bytes hold no {count} ascending numbers of {bits} bits")
    return values


def _low_bits(count: int, bits: int) -> int:
    return max(bits - max(count - 1, 0).bit_length(), 0)


@compiled
def _packed(values: NDArray[np.uint32], low: int, size: int) -> NDArray[np.uint8]:
    data = np.zeros(size, np.uint8)
    mask = (1 << low) - 1
    waiting, width, end = np.int64(0), 0, 0
    for value in values:
        waiting |= (np.int64(value) & mask) << width
        width += low
        while width >= 8:
            data[end] = waiting & 0xFF
            waiting, width, end = waiting >> 8, width - 8, end + 1
    # The high bits begin in the byte where the low ones end.
    if width:
        data[end] = waiting
    for index in range(len(values)):
        place = len(values) * low + (np.int64(values[index]) >> low) + index
        data[place >> 3] |= np.uint8(1 << (place & 7))
    return data


@compiled
def _unpacked(data: NDArray[np.uint8], count: int, low: int, bits_each: int) -> tuple[NDArray[np.uint32], bool]:
    """The values, and whether the bytes hold as many, ascending."""
    values = np.zeros(count, np.uint32)
    mask, high = (1 << low) - 1, count * low
    waiting, width, end, found, last = np.int64(0), 0, 0, 0, np.int64(-1)
    for byte in range(high >> 3, len(data)):
        bits, place = np.int64(data[byte]), 8 * byte
        while bits:
            if bits & 1 and place >= high:
                if found == count:
                    return values, False
                while width < low:
                    waiting |= np.int64(data[end]) << width
                    width, end = width + 8, end + 1
                value = (place - high - found) << low | waiting & mask
                waiting, width = waiting >> low, width - low
                if value <= last or value >> bits_each:
                    return values, False
                values[found] = np.uint32(value)
                last, found = value, found + 1
            bits, place = bits >> 1, place + 1
    return values, found == count
