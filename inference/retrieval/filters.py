"""What is taken out of the candidates, and why: one compiled predicate for each reason."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.dials import NEVER
from features.jit import compiled
from features.profile import REFUSED_BEFORE, SEEN_BEFORE
from inference.retrieval.merge import Merged, no_strengths
from inference.retrieval.query import Query
from inference.retrieval.sources.table import SOURCES

#: Merged with what the sources propose, as if it came from one more source: what the users refused.
REFUSED = len(SOURCES)
#: Names on the wire and in metrics, in the order of `_keep`. A row is counted under the first one that applies.
FILTERS = ("unavailable", "excluded", "own", "unwanted", "hidden", "seen", "not_asked")
UNAVAILABLE, EXCLUDED, OWN, UNWANTED, HIDDEN, SEEN, NOT_ASKED = range(len(FILTERS))
#: Where no rule of the shop excludes anything.
NOT_EXCLUDED = np.zeros(0, np.int32)


@compiled
def is_unavailable(available: bool, expires_ms: int, now_ms: int) -> bool:
    """Out of stock, hidden by its owner, or expired."""
    return bool(not available or expires_ms <= now_ms)


@compiled
def is_excluded(excluded_by: np.int32) -> bool:
    """Left out of every list by this rule of the shop, a number from 1; 0: by none."""
    return bool(excluded_by > 0)


@compiled
def is_own(owner: np.uint64, user: np.uint64) -> bool:
    """Uploaded by the user, by keys of ids."""
    return bool(owner == user)


@compiled
def is_unwanted(wish: np.float32) -> bool:
    """Turned off by one of the user's dials."""
    return bool(wish <= NEVER)


@compiled
def is_hidden(last_source: int, remembered: int) -> bool:
    """Refused by the user, lately or at any time before."""
    return last_source == REFUSED or remembered == HIDDEN


@compiled
def is_seen(key: np.uint64, seen: NDArray[np.uint32], remembered: int) -> bool:
    """Among the items that the user saw last, or at any time before."""
    low, found = np.uint32(key), remembered == SEEN
    # Without a way out of the loop, so that one instruction compares many keys.
    for each in seen:
        found |= each == low
    return found


@compiled
def is_not_asked(row: int, within: NDArray[np.bool_]) -> bool:
    """Outside the limits of the list, of which there are none where `within` is empty."""
    return bool(len(within) > 0 and not within[row])


def apply_filters(
    query: Query, merged: Merged, wishes: NDArray[np.float32], excluded_by: NDArray[np.int32] = NOT_EXCLUDED
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The places [m] of the merged rows that are kept, the bounds of each user's [u + 1], and what was taken out.

    That is the number of rows for each user and filter, int64 [u, len(FILTERS)]. A row that was only refused, and that
    no source proposed, is not counted. `excluded_by` has the rule of the shop by row of the catalogue, or NOT_EXCLUDED.
    """
    catalog = query.catalog
    return _keep(
        merged.users,
        merged.rows,
        merged.first,
        merged.last,
        wishes,
        excluded_by,
        _remembered(query, merged),
        np.array(query.users, np.uint64),
        np.concatenate([profile.seen for profile in query.profiles]),
        np.array([len(profile.seen) for profile in query.profiles]),
        catalog.keys,
        catalog.owners,
        catalog.available,
        catalog.expires_ms,
        query.within,
        query.now_ms,
    )


def merged_alone(query: Query, user: int, rows: NDArray[np.int64]) -> Merged:
    """Rows [n], each once and in ascending order, as if one source had proposed them to one user of the query."""
    none = np.zeros(len(rows), np.int8)
    refused = np.where(np.isin(rows, query.tastes.refused[user]), np.int8(REFUSED), none)
    return Merged(
        np.full(len(rows), user), rows, none, refused, *no_strengths(len(rows)), np.zeros(len(rows), np.int32)
    )


def filters_of(query: Query, user: int, row: int, wish: float, excluded_by: int = 0) -> list[str]:
    """Every filter that takes a row out for a user whose dial for it is `wish`, by name and in the order of FILTERS.

    `excluded_by` is the rule of the shop that does, or 0.
    """
    catalog, profile = query.catalog, query.profiles[user]
    merged = merged_alone(query, user, np.array([row]))
    (remembered,) = _remembered(query, merged)
    takes_out = (
        is_unavailable(catalog.available[row], catalog.expires_ms[row], query.now_ms),
        is_excluded(np.int32(excluded_by)),
        is_own(catalog.owners[row], np.uint64(query.users[user])),
        is_unwanted(np.float32(wish)),
        is_hidden(merged.last[0], remembered),
        # What Redis gave is read-only: of another type than in `_keep`, and compiled for it in front of the user.
        is_seen(catalog.keys[row], profile.seen.copy(), remembered),
        is_not_asked(row, query.within),
    )
    return [name for name, takes in zip(FILTERS, takes_out, strict=True) if takes]


def _remembered(query: Query, merged: Merged) -> NDArray[np.int8]:
    """For each merged row [n] HIDDEN or SEEN, if its user's fingerprints say that of it, else 0."""
    found = np.zeros(len(merged.rows), np.int8)
    if not any(profile.refused_before or profile.seen_before for profile in query.profiles):
        return found
    bounds = np.searchsorted(merged.users, np.arange(len(query.profiles) + 1)).tolist()
    for profile, (start, end) in zip(query.profiles, pairwise(bounds), strict=True):
        if profile.refused_before or profile.seen_before:
            keys = query.catalog.keys[merged.rows[start:end]]
            found[start:end][SEEN_BEFORE.among(profile.seen_before, keys)] = SEEN
            found[start:end][REFUSED_BEFORE.among(profile.refused_before, keys)] = HIDDEN
    return found


@compiled
def _keep(
    users: NDArray[np.int64],
    rows: NDArray[np.int64],
    first: NDArray[np.int8],
    last: NDArray[np.int8],
    wishes: NDArray[np.float32],
    excluded_by: NDArray[np.int32],
    remembered: NDArray[np.int8],
    user_keys: NDArray[np.uint64],
    seen: NDArray[np.uint32],
    seen_counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    owners: NDArray[np.uint64],
    available: NDArray[np.bool_],
    expires_ms: NDArray[np.int64],
    within: NDArray[np.bool_],
    now_ms: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """As `apply_filters`, in one pass over the rows; `seen` has the keys that each user saw, `seen_counts` of each."""
    kept, bounds = np.empty(len(rows), np.int64), np.zeros(len(user_keys) + 1, np.int64)
    filtered = np.zeros((len(user_keys), len(FILTERS)), np.int64)
    seen_ends = seen_counts.cumsum()
    count = 0
    for place in range(len(rows)):
        user, row = users[place], rows[place]
        if first[place] == REFUSED:
            continue
        if is_unavailable(available[row], expires_ms[row], now_ms):
            filtered[user, UNAVAILABLE] += 1
        elif len(excluded_by) and is_excluded(excluded_by[row]):
            filtered[user, EXCLUDED] += 1
        elif is_own(owners[row], user_keys[user]):
            filtered[user, OWN] += 1
        elif is_unwanted(wishes[place]):
            filtered[user, UNWANTED] += 1
        elif is_hidden(last[place], remembered[place]):
            filtered[user, HIDDEN] += 1
        elif is_seen(keys[row], seen[seen_ends[user] - seen_counts[user] : seen_ends[user]], remembered[place]):
            filtered[user, SEEN] += 1
        elif is_not_asked(row, within):
            filtered[user, NOT_ASKED] += 1
        else:
            kept[count] = place
            count += 1
            bounds[user + 1] = count
    for user in range(len(user_keys)):
        bounds[user + 1] = max(bounds[user + 1], bounds[user])
    return kept[:count], bounds, filtered
