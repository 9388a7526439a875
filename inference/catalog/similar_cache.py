"""What looks like an item, remembered: users come back to what they chose, and to what others chose."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from inference.catalog.index import VectorIndex

REMEMBERED_LIMIT = 20_000
#: What was added since an answer is added to it, but only so many; after more additions the index is searched again.
ADDED_LIMIT = 64
#: And for no more such answers at a time than one, and one for so many groups: a burst of additions makes all old.
_GROUPS_A_RENEWAL = 8
_NEVER = (-1, np.zeros(0, np.int64))


class SimilarCache:
    """The nearest rows of rows, from the index or from memory; rows that were taken away may still be among them."""

    def __init__(self, index: VectorIndex, count: int, *, limit: int = REMEMBERED_LIMIT) -> None:
        self._index = index
        self._count = count
        self._limit = limit
        self._known: OrderedDict[int, tuple[int, NDArray[np.int64]]] = OrderedDict()
        self._added: deque[int] = deque(maxlen=ADDED_LIMIT)
        #: How often rows were given a vector so far.
        self.additions = 0

    def added(self, rows: Iterable[int]) -> None:
        """These rows have new vectors."""
        for row in rows:
            self._added.append(row)
            self.additions += 1
            self._known.pop(row, None)

    def of(
        self, rows: Sequence[NDArray[np.int64]], vectors: Callable[[NDArray[np.int64]], NDArray[np.float32]]
    ) -> list[NDArray[np.int64]]:
        """For each of several groups of rows [n] what is nearest to any of them, and what is new, int64 [m].

        `vectors` gives the vectors of rows. All that is not remembered is searched for in one call.
        """
        unknown = self.unknown(rows)
        if unknown:
            found, _ = self._index.search(vectors(np.array(unknown)), self._count)
            for row, nearest in zip(unknown, found, strict=True):
                self.learn(row, nearest[nearest >= 0], self.additions)
        answers = [self._of(group.tolist()) for group in rows]
        while len(self._known) > self._limit:
            self._known.popitem(last=False)
        return answers

    def unknown(self, rows: Sequence[NDArray[np.int64]]) -> list[int]:
        """Those of several groups of rows that would be searched for: unknown, or among the oldest of the old."""
        renewed_before = max(self.additions - ADDED_LIMIT, 0)
        known_at = {row: self._known.get(row, _NEVER)[0] for group in rows for row in group.tolist()}
        old = sorted((at, row) for row, at in known_at.items() if at < renewed_before)
        unknown = sum(at < 0 for at, _ in old)
        return [row for _, row in old[: unknown + 1 + len(rows) // _GROUPS_A_RENEWAL]]

    def learn(self, row: int, nearest: NDArray[np.int64], additions: int) -> None:
        """The rows nearest to a row, of an index that knew so many additions; of none at all, it is asked again."""
        if len(nearest):
            self._known[row] = (additions, nearest)
            self._known.move_to_end(row)

    def _of(self, rows: Sequence[int]) -> NDArray[np.int64]:
        answers = [self._known.get(row, _NEVER) for row in rows]
        since = min((additions for additions, _ in answers), default=self.additions)
        new = islice(reversed(self._added), self.additions - since)
        return np.concatenate([nearest for _, nearest in answers] + [np.array([*new], np.int64)])
