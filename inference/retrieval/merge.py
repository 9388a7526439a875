"""What the sources propose to the users of a batch, and how that becomes one line for each user and row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: A proposal is sorted as one integer: the number of the user, the row, and its place among all proposals.
_ROW_BITS, _PLACE_BITS = 31, 22
#: So many users at once, and 16,000 proposals for each.
USERS_LIMIT = 1 << (63 - _ROW_BITS - _PLACE_BITS)


@dataclass(frozen=True, slots=True)
class CoEngaged:
    """Rows int64 [m], -1 none, that others chose after what users int64 [m], by their numbers from 0, engaged with.

    How strongly they follow, `strengths` float32 [m], and which rows, `origins` int64 [m].
    """

    rows: NDArray[np.int64]
    users: NDArray[np.int64]
    strengths: NDArray[np.float32]
    origins: NDArray[np.int64]


_NONE = np.zeros(0, np.int64)
NONE_CO_ENGAGED = CoEngaged(_NONE, _NONE, np.zeros(0, np.float32), _NONE)


@dataclass(frozen=True, slots=True)
class Merged:
    """Each user's rows [n] once, by user and row, with the least and the greatest number of their sources, int8 [n].

    `strengths` float32 [n] is the sum of those it follows with, `origins` int64 [n] the row it follows most, or -1.
    """

    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    first: NDArray[np.int8]
    last: NDArray[np.int8]
    strengths: NDArray[np.float32]
    origins: NDArray[np.int64]


def merge(
    followers: CoEngaged,
    source: int,
    to_each: Mapping[int, Sequence[NDArray[np.int64]]],
    to_all: Mapping[int, NDArray[np.int64]],
    users: int,
) -> Merged:
    """Put together what the sources, which are numbers, propose to users from 0 to below `users`: USERS_LIMIT at most.

    `source` proposes the followers, others rows to each user or to all.
    """
    parts = [*to_all.values(), *(rows for each in to_each.values() for rows in each)]
    order, sources = _proposals(
        followers.users,
        followers.rows,
        source,
        np.concatenate(parts) if parts else _NONE,
        np.array([(number, len(rows)) for number, rows in to_all.items()], np.int64).reshape(-1, 2),
        np.array([(number, *map(len, each)) for number, each in to_each.items()], np.int64).reshape(-1, users + 1),
        users,
    )
    order.sort()
    return Merged(*_merged(order, sources, followers.strengths, followers.origins))


@compiled
def _proposals(
    follower_users: NDArray[np.int64],
    follower_rows: NDArray[np.int64],
    source: int,
    rows: NDArray[np.int64],
    to_all: NDArray[np.int64],
    to_each: NDArray[np.int64],
    users: int,
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Every proposal as one integer, followers first, and its source.

    `rows` are those for all users, then those for each: `to_all` [s, 2] says for each source how many there are,
    `to_each` [s, 1 + users] how many for each user.
    """
    most = len(follower_users) + users * to_all[:, 1].sum() + to_each[:, 1:].sum()
    order, sources = np.empty(most, np.int64), np.empty(most, np.int8)
    count = 0
    for place in range(len(follower_rows)):
        sources[place] = source
        if follower_rows[place] >= 0:
            order[count] = _packed(follower_users[place], follower_rows[place], place)
            count += 1
    place, read = len(follower_rows), 0
    for line in range(len(to_all)):
        length = to_all[line, 1]
        for user in range(users):
            for row in rows[read : read + length]:
                order[count], sources[place] = _packed(user, row, place), to_all[line, 0]
                count, place = count + 1, place + 1
        read += length
    for line in range(len(to_each)):
        for user in range(users):
            length = to_each[line, user + 1]
            for row in rows[read : read + length]:
                order[count], sources[place] = _packed(user, row, place), to_each[line, 0]
                count, place = count + 1, place + 1
            read += length
    return order[:count], sources


@compiled
def _packed(user: int, row: int, place: int) -> int:
    return (user << _ROW_BITS | row) << _PLACE_BITS | place


@compiled
def _merged(
    order: NDArray[np.int64], sources: NDArray[np.int8], strengths: NDArray[np.float32], origins: NDArray[np.int64]
) -> tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.int8], NDArray[np.int8], NDArray[np.float32], NDArray[np.int64]
]:
    """The fields of Merged, from proposals in ascending order."""
    users, rows = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    first, last = np.empty(len(order), np.int8), np.empty(len(order), np.int8)
    strength, origin = np.zeros(len(order), np.float32), np.full(len(order), -1, np.int64)
    at, group, strongest = -1, -1, np.float32(0)
    for packed in order:
        place = packed & ((1 << _PLACE_BITS) - 1)
        if packed >> _PLACE_BITS != group:
            at, group, strongest = at + 1, packed >> _PLACE_BITS, np.float32(0)
            users[at], rows[at] = group >> _ROW_BITS, group & ((1 << _ROW_BITS) - 1)
            first[at] = last[at] = sources[place]
        first[at], last[at] = min(first[at], sources[place]), max(last[at], sources[place])
        if place < len(strengths):
            strength[at] += strengths[place]
            if strengths[place] > strongest:
                strongest, origin[at] = strengths[place], origins[place]
    count = at + 1
    return users[:count], rows[:count], first[:count], last[:count], strength[:count], origin[:count]
