"""Arrays with a row an item, for catalogues that grow while lists are made."""

from math import prod
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap
from typing import Final, TypeVar

import numkong
import numpy as np
from numpy.typing import NDArray

#: Rows for which address space is taken at once. The system gives memory as it is touched, so that growing moves
#: nothing and holds up nobody; only beyond this all is moved, into twice the room.
ROOM: Final = 1 << 21

_Scalar = TypeVar("_Scalar", bound=np.generic)


def room(dtype: type[_Scalar], *width: int) -> NDArray[_Scalar]:
    """Zeros for ROOM rows, which take no memory until they are written."""
    return _zeros((ROOM, *width), np.dtype(dtype))


def roomier(array: NDArray[_Scalar], rows: int) -> NDArray[_Scalar]:
    """The array itself where it has so many rows, else what it holds in twice the room."""
    if rows <= len(array):
        return array
    larger = _zeros((max(rows, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def _zeros(shape: tuple[int, ...], dtype: np.dtype[_Scalar]) -> NDArray[_Scalar]:
    # Not numpy's: what that takes may have been used before, and then all of it is overwritten.
    memory = mmap(-1, prod(shape) * dtype.itemsize, flags=MAP_PRIVATE | MAP_ANONYMOUS)
    return np.frombuffer(memory, dtype).reshape(shape)


class VectorRows:
    """A vector a row, kept as the float16 that items bring and given as float32: exactly the same values."""

    def __init__(self, dimensions: int) -> None:
        self._stored = room(np.float16, dimensions)

    def put(self, rows: NDArray[np.integer], vectors: NDArray[np.floating]) -> None:
        """Write vectors [n, d] into rows [n]."""
        if len(rows):
            self._stored = roomier(self._stored, int(rows.max()) + 1)
            self._stored[rows] = vectors

    def replace(self, row: int, embedding: bytes) -> bool:
        """Write an item's embedding into a row; whether another one was there."""
        self._stored = roomier(self._stored, row + 1)
        stored = self._stored[row]
        if stored.tobytes() == embedding:
            return False
        stored[:] = np.frombuffer(embedding, "<f2")
        return True

    def __getitem__(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The vectors of rows [...], float32 [..., d]; of row -1 one that means nothing."""
        # Wrapping takes half the time of looking for rows that are out of bounds, and numkong a tenth of numpy's cast.
        stored = self._stored.take(rows, axis=0, mode="wrap")
        vectors = np.empty(stored.shape, np.float32)
        numkong.astype(stored, "float32", out=vectors)
        return vectors

    @property
    def halves(self) -> NDArray[np.uint16]:
        """The bits of all rows' vectors, uint16 [m, d], for `features.jit.widen`: not a copy."""
        return self._stored.view(np.uint16)

    def stored(self, count: int) -> NDArray[np.float16]:
        """The first rows as they are kept, float16 [count, d]: not a copy."""
        return self._stored[:count]
