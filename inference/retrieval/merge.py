"""Merges what the sources propose to the users of a batch into one line for each user and row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: A proposal is sorted as one integer: the number of the user, the row, and its place among all proposed rows.
_ROW_BITS, _PLACE_BITS = 31, 22
#: Users in one call at most; each may then have 4,000 proposals.
USERS_LIMIT = 1 << (63 - _ROW_BITS - _PLACE_BITS)

NO_ROWS = np.zeros(0, np.int64)
#: What strengths of proposals say: that users chose both items one after the other, or in sessions like the user's, or
#: that the item has the look of one in another category.
CO_CHOICE, SESSION, ACROSS = 0, 1, 2
_KINDS = 3


class Proposals(NamedTuple):
    """What one source proposes: an array of `rows` for each user, or a single array for all users; -1 is no row.

    A source that knows how strongly each row follows from an item that the user engaged with gives `strengths` float32
    [m] and the rows of these items, `origins` int64 [m]: one for each of the m rows of all its arrays together. `kind`
    says what its strengths say.
    """

    rows: Sequence[NDArray[np.int64]]
    strengths: NDArray[np.float32] = np.zeros(0, np.float32)
    origins: NDArray[np.int64] = NO_ROWS
    kind: int = CO_CHOICE


@dataclass(frozen=True, slots=True)
class Merged:
    """Each user's rows [n] once, by user and row, with the least and the greatest number of their sources, int8 [n].

    By kind, `strengths` float32 [3, n] are the sums of the row's strengths, `origins` int64 [3, n] the origins of the
    greatest, or -1. `proposers` int32 [n] has bit s where source s proposed the row.
    """

    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    first: NDArray[np.int8]
    last: NDArray[np.int8]
    strengths: NDArray[np.float32]
    origins: NDArray[np.int64]
    proposers: NDArray[np.int32]


def no_strengths(rows: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The strengths and the origins of rows that follow from no other item."""
    return np.zeros((_KINDS, rows), np.float32), np.full((_KINDS, rows), -1, np.int64)


def merge(proposed: Sequence[Proposals], users: int) -> Merged:
    """Merge the proposals of the sources 0, 1, … (one at least) to users 0 to `users` - 1, USERS_LIMIT at most."""
    # Sources with strengths come first: the place of a row is then the place of its strength, too.
    order = sorted(enumerate(proposed), key=lambda each: not len(each[1].strengths))
    parts = [rows for _, each in order for rows in each.rows]
    packed, sources = _pack(
        np.concatenate(parts),
        np.array([*map(len, parts)], np.int64),
        np.array([source for source, _ in order], np.int64),
        np.array([len(each.rows) for _, each in order], np.int64),
        users,
    )
    packed.sort()
    strengths = np.concatenate([each.strengths for each in proposed])
    origins = np.concatenate([each.origins for each in proposed])
    kinds = np.array([each.kind for each in proposed], np.int64)
    return Merged(*_merge_sorted(packed, sources, kinds, strengths, origins))


@compiled
def _pack(
    rows: NDArray[np.int64],
    lengths: NDArray[np.int64],
    numbers: NDArray[np.int64],
    parts: NDArray[np.int64],
    users: int,
) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """Every proposal as one integer, and the source of each of `rows`.

    `rows` are those of all parts, one after the other, with the `lengths` of the parts; `numbers` [s] and `parts` [s]
    are the number of each source and how many parts it has.
    """
    total = part = 0
    for line in range(len(parts)):
        own = lengths[part : part + parts[line]].sum()
        total += own * users if parts[line] == 1 else own
        part += parts[line]
    packed, sources = np.empty(total, np.int64), np.empty(len(rows), np.int8)
    count = part = place = 0
    for line in range(len(parts)):
        for number in range(parts[line]):
            # The only part of a source is for all users.
            first, last = (0, users) if parts[line] == 1 else (number, number + 1)
            for _ in range(lengths[part]):
                sources[place] = numbers[line]
                if rows[place] >= 0:
                    for user in range(first, last):
                        packed[count] = (user << _ROW_BITS | rows[place]) << _PLACE_BITS | place
                        count += 1
                place += 1
            part += 1
    return packed[:count], sources


@compiled
def _merge_sorted(
    packed: NDArray[np.int64],
    sources: NDArray[np.int8],
    kinds: NDArray[np.int64],
    strengths: NDArray[np.float32],
    origins: NDArray[np.int64],
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int8],
    NDArray[np.int8],
    NDArray[np.float32],
    NDArray[np.int64],
    NDArray[np.int32],
]:
    """The fields of Merged, from proposals in ascending order; `kinds` are those of the sources."""
    users, rows = np.empty(len(packed), np.int64), np.empty(len(packed), np.int64)
    first, last = np.empty(len(packed), np.int8), np.empty(len(packed), np.int8)
    strength, origin = np.zeros((_KINDS, len(packed)), np.float32), np.full((_KINDS, len(packed)), -1, np.int64)
    proposers = np.zeros(len(packed), np.int32)
    at, group, strongest = -1, -1, np.zeros(_KINDS, np.float32)
    for proposal in packed:
        place = proposal & ((1 << _PLACE_BITS) - 1)
        if proposal >> _PLACE_BITS != group:
            at, group = at + 1, proposal >> _PLACE_BITS
            strongest[:] = 0
            users[at], rows[at] = group >> _ROW_BITS, group & ((1 << _ROW_BITS) - 1)
            first[at] = last[at] = sources[place]
        first[at], last[at] = min(first[at], sources[place]), max(last[at], sources[place])
        proposers[at] |= 1 << sources[place]
        if place < len(strengths):
            kind = kinds[sources[place]]
            strength[kind, at] += strengths[place]
            if strengths[place] > strongest[kind]:
                strongest[kind], origin[kind, at] = strengths[place], origins[place]
    count = at + 1
    return (
        users[:count],
        rows[:count],
        first[:count],
        last[:count],
        strength[:, :count],
        origin[:, :count],
        proposers[:count],
    )
