"""Items chosen by the same users: the cosine of co-occurrence over whole histories (Sarwar et al. 2001)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: The counts of pairs are dense: 1.5 GiB for so many items.
ITEMS_LIMIT = 20_000


class ItemKnn:
    """The sum of the cosines to the user's last items, kept up to date with each choice."""

    def __init__(self, items: int) -> None:
        self._together = np.zeros((items, items), np.float32)
        self._chosen = np.zeros(items, np.float32)

    def learn(self, _user: str, item: int, before: Sequence[int]) -> None:
        """See Baseline."""
        if item in before:
            return
        others = np.array(before, np.int64)
        self._together[item, others] += 1
        self._together[others, item] += 1
        self._chosen[item] += 1

    def train(self, _histories: Mapping[str, Sequence[int]]) -> None:
        """See Baseline."""

    def scores(self, _user: str, recent: Sequence[int]) -> NDArray[np.float32]:
        """See Baseline."""
        length = (1 / np.sqrt(np.maximum(self._chosen, 1))).astype(np.float32)
        items = np.array(recent, np.int64)
        found: NDArray[np.float32] = (length[items] @ self._together[items]) * length
        return found
