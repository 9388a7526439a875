"""A linear model of items by items with a closed form, EASE (Steck 2019), on histories cut into recent items."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: The model is over the most chosen items: its time grows with the cube of their number.
ITEMS_LIMIT = 4_000
REGULARIZATION = 50.0
#: An item counts less with each one that the user chose after it.
FADING = 0.9
#: The items of one row of the training matrix.
WINDOW = 20


class Ease:
    """The weights of the user's last items, times B = I - P / diag(P), where P = inv(X'X + λI)."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._weights = np.zeros((0, 0), np.float32)
        self._kept = np.zeros(0, np.int64)
        self._place = np.full(items, -1, np.int64)

    def learn(self, _user: str, _item: int, _before: Sequence[int]) -> None:
        """See Baseline."""

    def train(self, histories: Mapping[str, Sequence[int]]) -> None:
        """See Baseline. Each history is cut into rows of WINDOW items, which overlap by half."""
        counts = np.bincount([item for history in histories.values() for item in history], minlength=self._items)
        self._kept = np.sort(np.argsort(-counts, kind="stable")[: min(ITEMS_LIMIT, np.count_nonzero(counts))])
        self._place[:] = -1
        self._place[self._kept] = np.arange(len(self._kept))
        gram = np.zeros((len(self._kept), len(self._kept)), np.float32)
        for history in histories.values():
            places = self._place[np.array(history, np.int64)]
            for start in range(0, max(len(places) - WINDOW // 2, 1), WINDOW // 2):
                row = np.unique(places[start : start + WINDOW])
                row = row[row >= 0]
                gram[np.ix_(row, row)] += 1
        gram[np.diag_indices_from(gram)] += REGULARIZATION
        inverse = np.linalg.inv(gram)
        self._weights = (-inverse / np.diag(inverse)).astype(np.float32)
        self._weights[np.diag_indices_from(self._weights)] = 0

    def scores(self, _user: str, recent: Sequence[int]) -> NDArray[np.float32]:
        """See Baseline."""
        found = np.zeros(self._items, np.float32)
        places = self._place[np.array(recent, np.int64)]
        weights = (FADING ** np.arange(len(places))[::-1]).astype(np.float32)
        found[self._kept] = weights[places >= 0] @ self._weights[places[places >= 0]]
        return found
