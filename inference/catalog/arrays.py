"""Arrays with one row an item, for catalogues that grow while lists are made."""

from math import prod
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import Final, TypeVar

import numkong
import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, half_dot

#: Rows for which address space is reserved. The system gives memory when a page is first written, so that growth copies
#: nothing and blocks nothing; beyond this many rows, all are copied into twice the room.
ROOM: Final = 1 << 21

_Scalar = TypeVar("_Scalar", bound=np.generic)


def room(dtype: type[_Scalar], *width: int) -> NDArray[_Scalar]:
    """Zeros for ROOM rows; they take no memory until they are written."""
    return _zeros((ROOM, *width), np.dtype(dtype))


def roomier(array: NDArray[_Scalar], rows: int) -> NDArray[_Scalar]:
    """The array itself where it has this many rows, else a copy with twice the room."""
    if rows <= len(array):
        return array
    larger = _zeros((max(rows, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def _zeros(shape: tuple[int, ...], dtype: np.dtype[_Scalar]) -> NDArray[_Scalar]:
    # Not np.zeros: memory that was used before would be overwritten as a whole.
    memory = mmap(-1, prod(shape) * dtype.itemsize, flags=MAP_PRIVATE | MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype).reshape(shape)


def best_of(values: NDArray[np.float32] | NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The places of the `count` greatest of values [n], the greatest first; of equal ones the earlier."""
    if len(values) > 2 * count > 0:
        least = np.partition(values, len(values) - count)[len(values) - count]
        places = np.flatnonzero(values >= least)
        return places[np.argsort(-values[places], kind="stable")[:count]]
    return np.argsort(-values, kind="stable")[:count]


class VectorRows:
    """One vector a row: kept in float16, as items have it, and given in float32, with exactly the same values."""

    def __init__(self, dimensions: int) -> None:
        self._stored = room(np.float16, dimensions)

    def put(self, rows: NDArray[np.integer], vectors: NDArray[np.floating]) -> None:
        """Write vectors [n, d] into rows [n]."""
        if len(rows):
            self._stored = roomier(self._stored, int(rows.max()) + 1)
            self._stored[rows] = vectors

    def put_one(self, row: int, vector: NDArray[np.floating]) -> None:
        """Write a vector [d] into a row: a tenth of the time of `put`."""
        self._stored = roomier(self._stored, row + 1)
        self._stored[row] = vector

    def replace(self, row: int, embedding: bytes) -> bool:
        """Write an item's embedding into a row; False where the row had it."""
        self._stored = roomier(self._stored, row + 1)
        stored = self._stored[row]
        if stored.tobytes() == embedding:
            return False
        stored[:] = np.frombuffer(embedding, "<f2")
        return True

    def __getitem__(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The vectors of rows [...], float32 [..., d]; that of row -1 is arbitrary."""
        # mode="wrap" takes half the time of a check of bounds, and numkong a tenth of numpy's cast.
        stored = self._stored.take(rows, axis=0, mode="wrap")
        vectors = np.empty(stored.shape, np.float32)
        numkong.astype(stored, "float32", out=vectors)
        return vectors

    def similarities(self, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The greatest inner product of each row's vector with vectors [k ≥ 1, d], float32 [n]; no vector is copied."""
        # A copy may be written to: for an array that may not, the function would be compiled again.
        return _similarities(self.halves, rows, np.array(vectors, np.float32))

    @property
    def halves(self) -> NDArray[np.uint16]:
        """The bits of all rows' vectors, uint16 [m, d], for `features.jit.widen`: not a copy."""
        return self._stored.view(np.uint16)

    def stored(self, count: int) -> NDArray[np.float16]:
        """The first rows as they are kept, float16 [count, d]: not a copy."""
        return self._stored[:count]


@compiled
def _similarities(
    halves: NDArray[np.uint16], rows: NDArray[np.int64], vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    found = np.empty(len(rows), np.float32)
    for place in range(len(rows)):
        row = halves[rows[place]]
        found[place] = half_dot(row, vectors[0])
        for other in range(1, len(vectors)):
            found[place] = max(found[place], half_dot(row, vectors[other]))
    return found
