"""What looks like an item, remembered: users come back to what they chose, and to what others chose."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from inference.index import VectorIndex

REMEMBERED_LIMIT = 20_000
#: What was added since an answer is added to it; after so many additions the index is searched again.
ADDED_LIMIT = 64


class Lookalikes:
    """The nearest rows of rows, from the index or from memory; rows that were taken away may still be among them."""

    def __init__(self, index: VectorIndex, count: int, *, limit: int = REMEMBERED_LIMIT) -> None:
        self._index = index
        self._count = count
        self._limit = limit
        self._known: OrderedDict[int, tuple[int, NDArray[np.int64]]] = OrderedDict()
        self._added: deque[int] = deque(maxlen=ADDED_LIMIT)
        self._additions = 0

    def added(self, rows: Iterable[int]) -> None:
        """These rows have new vectors."""
        for row in rows:
            self._added.append(row)
            self._additions += 1
            self._known.pop(row, None)

    def of(self, rows: Sequence[int], vectors: NDArray[np.float32]) -> NDArray[np.int64]:
        """What is nearest to each of `rows`, whose vectors [n, d] are given, and what is new: int64 [m], -1 pads."""
        oldest = self._additions - ADDED_LIMIT
        unknown = [at for at, row in enumerate(rows) if self._known.get(row, (-1,))[0] < max(oldest, 0)]
        if unknown:
            found, _ = self._index.search(vectors[unknown], self._count)
            for at, nearest in zip(unknown, found, strict=True):
                self._known[rows[at]] = (self._additions, nearest)
                self._known.move_to_end(rows[at])
            while len(self._known) > self._limit:
                self._known.popitem(last=False)
        answers = [self._known[row] for row in rows]
        since = min((additions for additions, _ in answers), default=self._additions)
        new = list(islice(reversed(self._added), self._additions - since))
        return np.concatenate([nearest for _, nearest in answers] + [np.array(new, np.int64)])
