"""The rows most similar to a row, kept in memory: users come back to the same items, and to those of other users."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.catalog.index import VectorIndex

#: Rows whose similar rows are kept.
KEPT_LIMIT = 20_000
#: Rows that were added since an entry was found are added to the answer, up to this many; then the entry is stale.
ADDED_LIMIT = 64
#: Refresh at most 1 + groups / 8 stale entries a call: a burst of new items makes every entry stale at once.
_GROUPS_A_RENEWAL = 8
#: An entry of which a smaller share can still be shown is found again.
_ENOUGH = 0.75


class _Entry(NamedTuple):
    """The nearest rows, and how many pictures were `added` to the index and had `gone` from it when they were found."""

    added: int
    gone: int
    nearest: NDArray[np.int64]


_NEVER = _Entry(-1, 0, np.zeros(0, np.int64))


class SimilarCache:
    """The nearest rows of rows, from the index or from memory; a few of them may have been removed since.

    `is_shown` says of rows [n] whether they still can be shown.
    """

    def __init__(
        self,
        index: VectorIndex,
        count: int,
        is_shown: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
        *,
        limit: int = KEPT_LIMIT,
    ) -> None:
        self._index = index
        self._is_shown = is_shown
        self._count = count
        self._limit = limit
        self._known: OrderedDict[int, _Entry] = OrderedDict()
        self._added: deque[int] = deque(maxlen=ADDED_LIMIT)
        #: How many vectors were added so far.
        self.additions = 0
        self._gone = 0

    def forget(self, rows: Iterable[int]) -> None:
        """These rows have other vectors, or none."""
        for row in rows:
            self._known.pop(row, None)

    def moved(self, gone: int, added: Sequence[int]) -> None:
        """So many rows left the index, and these entered it."""
        self._gone += gone
        self._added.extend(added)
        self.additions += len(added)

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
        known_at = {row: self._known_at(row) for group in rows for row in group.tolist()}
        stale = sorted((at, row) for row, at in known_at.items() if at < stale_before)
        unknown = sum(at < 0 for at, _ in stale)
        return [row for _, row in stale[: unknown + 1 + len(rows) // _GROUPS_A_RENEWAL]]

    def learn(self, row: int, nearest: NDArray[np.int64], additions: int) -> None:
        """Keep the nearest rows, found when the index had this many additions; an empty answer is not kept."""
        nearest = nearest[self._is_shown(nearest)]
        if len(nearest):
            self._known[row] = _Entry(additions, self._gone, nearest)
            self._known.move_to_end(row)

    def _known_at(self, row: int) -> int:
        """The number of additions when an entry was found; -1 without one, or where too much of it has gone since."""
        added, gone, nearest = self._known.get(row, _NEVER)
        few = _ENOUGH * len(nearest)
        if self._gone - gone > len(nearest) - few and np.count_nonzero(self._is_shown(nearest)) < few:
            return -1
        return added

    def _of(self, rows: Sequence[int]) -> NDArray[np.int64]:
        answers = [self._known.get(row, _NEVER) for row in rows]
        since = min((each.added for each in answers), default=self.additions)
        new = islice(reversed(self._added), self.additions - since)
        return np.concatenate([each.nearest for each in answers] + [np.array([*new], np.int64)])
