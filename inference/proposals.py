"""What the sources propose to the users of a batch, and how that becomes one line for each user and row.

Arrays for all users at once: most of the time of a small list goes into calls, not into numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A proposal is sorted as one integer: the number of the user, the row, and its place among all proposals.
_ROW_BITS, _PLACE_BITS = 31, 22
#: So many users at once, and 16,000 proposals for each.
USERS_LIMIT = 1 << (63 - _ROW_BITS - _PLACE_BITS)


@dataclass(frozen=True, slots=True)
class Proposals:
    """Rows int64 [m] for users int64 [m], by their numbers from 0, of sources int8 [m]."""

    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    sources: NDArray[np.int8]


NO_PROPOSALS = Proposals(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int8))


@dataclass(frozen=True, slots=True)
class Merged:
    """Each user's rows [n], by user and row: where its proposals begin in `order` [m], their places sorted likewise."""

    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    order: NDArray[np.int64]

    def first(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of values of the proposals [m], those of the first of each row [n]."""
        return values[self.order[self.starts]]


def to_each(rows: Sequence[NDArray[np.int64]], source: int) -> Proposals:
    """Rows for each user."""
    lengths = [len(each) for each in rows]
    users = np.repeat(np.arange(len(rows)), lengths)
    flat = np.concatenate(rows) if rows else users
    return Proposals(users, flat, np.full(len(flat), source, np.int8))


def to_all(rows: NDArray[np.int64], source: int, users: int) -> Proposals:
    """The same rows for all users."""
    count = users * len(rows)
    return Proposals(np.repeat(np.arange(users), len(rows)), np.tile(rows, users), np.full(count, source, np.int8))


def joined(*proposals: Proposals) -> Proposals:
    """All of them, in this order."""
    return Proposals(
        np.concatenate([each.users for each in proposals]),
        np.concatenate([each.rows for each in proposals]),
        np.concatenate([each.sources for each in proposals]),
    )


def merge(proposals: Proposals) -> Merged:
    """Each row of a user once."""
    count = len(proposals.rows)
    order = (proposals.users << _ROW_BITS | proposals.rows) << _PLACE_BITS | np.arange(count)
    order.sort()
    group = order >> _PLACE_BITS
    new = np.ones(count, np.bool_)
    np.not_equal(group[1:], group[:-1], out=new[1:])
    starts = np.flatnonzero(new)
    group = group[starts]
    return Merged(group >> _ROW_BITS, group & ((1 << _ROW_BITS) - 1), starts, order & ((1 << _PLACE_BITS) - 1))
