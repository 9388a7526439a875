"""The place of an index in a catalogue whose index others keep."""

import numpy as np
from numpy.typing import NDArray


class NullIndex:
    """A VectorIndex that keeps nothing and finds nothing: whoever needs what looks alike asks the others before."""

    def add(self, rows: NDArray[np.uint64], vectors: NDArray[np.float32]) -> None:
        """See VectorIndex."""

    def remove(self, rows: NDArray[np.uint64]) -> None:
        """See VectorIndex."""

    def search(self, queries: NDArray[np.float32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See VectorIndex."""
        return np.full((len(queries), count), -1, np.int64), np.full((len(queries), count), -1.0, np.float32)

    def __len__(self) -> int:
        return 0
