"""What looks like the items that the user chose last, and nothing else."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


class VisualOnly:
    """The cosine to the mean of the pictures of the last items. `picture` gives the unit vector of an item, or None."""

    def __init__(self, items: int, dimensions: int, picture: Callable[[int], NDArray[np.float32] | None]) -> None:
        self._vectors = np.zeros((items, dimensions), np.float32)
        self._has_vector = np.zeros(items, bool)
        self._picture = picture

    def learn(self, _user: str, item: int, _before: Sequence[int]) -> None:
        """See Baseline."""
        if not self._has_vector[item] and (vector := self._picture(item)) is not None:
            self._vectors[item], self._has_vector[item] = vector, True

    def train(self, _histories: Mapping[str, Sequence[int]]) -> None:
        """See Baseline."""

    def scores(self, _user: str, recent: Sequence[int]) -> NDArray[np.float32]:
        """See Baseline."""
        found: NDArray[np.float32] = self._vectors @ self._vectors[np.array(recent, np.int64)].sum(axis=0)
        return found
