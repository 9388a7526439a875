"""The rows most similar to a row, kept in memory: users come back to the same items, and to those of other users."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from inference.catalog.index import VectorIndex

#: Rows whose similar rows are kept.
KEPT_LIMIT = 20_000
#: Rows that were added since an entry was found are added to the answer, up to this many; then the entry is stale.
ADDED_LIMIT = 64
#: Refresh at most 1 + groups / 8 stale entries a call: a burst of new items makes every entry stale at once.
_GROUPS_A_RENEWAL = 8
_NEVER = (-1, np.zeros(0, np.int64))


class SimilarCache:
    """The nearest rows of rows, from the index or from memory; some of them may have been removed since."""

    def __init__(self, index: VectorIndex, count: int, *, limit: int = KEPT_LIMIT) -> None:
        self._index = index
        self._count = count
        self._limit = limit
        self._known: OrderedDict[int, tuple[int, NDArray[np.int64]]] = OrderedDict()
        self._added: deque[int] = deque(maxlen=ADDED_LIMIT)
        #: How many vectors were added so far.
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
        """For each group of rows [n], the rows nearest to each of them and those added since, int64 [m].

        `vectors` gives the vectors of rows. Unknown and stale entries are searched for in one call.
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
        """The rows of several groups that would be searched for: unknown ones, and some stale ones, oldest first."""
        stale_before = max(self.additions - ADDED_LIMIT, 0)
        known_at = {row: self._known.get(row, _NEVER)[0] for group in rows for row in group.tolist()}
        stale = sorted((at, row) for row, at in known_at.items() if at < stale_before)
        unknown = sum(at < 0 for at, _ in stale)
        return [row for _, row in stale[: unknown + 1 + len(rows) // _GROUPS_A_RENEWAL]]

    def learn(self, row: int, nearest: NDArray[np.int64], additions: int) -> None:
        """Keep the nearest rows, found when the index had this many additions; an empty answer is not kept."""
        if len(nearest):
            self._known[row] = (additions, nearest)
            self._known.move_to_end(row)

    def _of(self, rows: Sequence[int]) -> NDArray[np.int64]:
        answers = [self._known.get(row, _NEVER) for row in rows]
        since = min((additions for additions, _ in answers), default=self.additions)
        new = islice(reversed(self._added), self.additions - since)
        return np.concatenate([nearest for _, nearest in answers] + [np.array([*new], np.int64)])
