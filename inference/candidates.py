"""From users' profiles to a few hundred items worth ranking: what looks alike, what others chose next, what is new.

All users of a batch at once, since most of the time goes into the calls and not into the numbers. Everything here is a
function of its arguments. Rows are rows of the catalogue replica.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour, strengths
from features.dials import NEVER
from features.ledger import all_entries
from features.profile import Profile
from features.recommendation import Source
from features.trends import at_time
from inference.catalog import Catalog
from inference.dials import LOOKALIKES_OF, Wishes, find_wishes, wished_items
from inference.proposals import NO_PROPOSALS, Merged, Proposals, joined, merge, to_all, to_each
from inference.tastes import RECENT_DECAY, Tastes

#: In the order in which a candidate that several sources give is credited to them.
SOURCES: tuple[Source, ...] = ("visual", "neighbours", "trending", "fresh", "popular")
_VISUAL, _NEIGHBOURS, _TRENDING, _FRESH, _POPULAR = range(len(SOURCES))
#: Not a source: what the user refused.
_REFUSED = len(SOURCES)
#: Why a row is no candidate; the first that applies counts.
FILTERS = ("unavailable", "own", "unwanted", "hidden", "seen")
TREND_COUNT = 32
FRESH_COUNT = 32
RECENT_COUNT = 5
_FAINT = 1e-9


@dataclass(frozen=True, slots=True)
class Trends:
    """`rising` and `loved` are the rows that lead the table, the strongest first.

    `trend` and `popular` float32 [rows of the catalogue] are 0 to 1, scaled by the strongest.
    """

    rising: NDArray[np.int64]
    loved: NDArray[np.int64]
    trend: NDArray[np.float32]
    popular: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Of u users, one after the other: those of user i are at `bounds[i]` to `bounds[i + 1]`, each row once.

    `users` and `rows` int64 [m] with `sources` int8 [m] (index in SOURCES). `neighbour` float32 [m] is how strongly
    others chose it after `neighbour_of` int64 [m], a row that the user engaged with; -1 for none. `wishes` are the
    users' own dials for them. `filtered` counts for each user what was no candidate, by FILTERS.
    """

    users: NDArray[np.int64]
    rows: NDArray[np.int64]
    bounds: NDArray[np.int64]
    sources: NDArray[np.int8]
    neighbour: NDArray[np.float32]
    neighbour_of: NDArray[np.int64]
    wishes: Wishes
    filtered: list[dict[str, int]]

    def source_counts(self) -> list[dict[Source, int]]:
        """How many candidates of each user every source is credited with."""
        counts = _counts(self.users, self.sources, len(self.filtered), len(SOURCES))
        return [dict(zip(SOURCES, each, strict=True)) for each in counts]


def find_trends(table: NDArray[np.void], catalog: Catalog, now_ms: int) -> Trends:
    """The trends table (`features.trends`) by rows of the catalogue."""
    rows = catalog.rows_of(table["item"])
    known = rows[rows >= 0]
    popular, trend = (
        values[rows >= 0] / max(float(values.max(initial=0.0)), _FAINT) for values in at_time(table, now_ms)
    )
    leading = [known[np.argsort(-values, kind="stable")[:TREND_COUNT]] for values in (trend, popular)]
    spread = np.zeros((2, len(catalog.keys)), np.float32)
    spread[:, known] = trend, popular
    return Trends(leading[0], leading[1], spread[0], spread[1])


def recent_items(profile: Profile) -> list[int]:
    """The keys of the items whose neighbours are candidates, the latest first."""
    recent: list[int] = profile.engaged["item"][: -RECENT_COUNT - 1 : -1].tolist()
    return recent


def generate_candidates(
    tastes: Tastes,
    profiles: Sequence[Profile],
    users: Sequence[int],
    catalog: Catalog,
    behaviours: Mapping[int, Behaviour],
    trends: Trends,
    now_ms: int,
) -> Candidates:
    """Candidates of up to USERS_LIMIT users, from all sources, then filtered. `users` are keys of user ids."""
    count = len(profiles)
    neighbours, followed, origins = _neighbours(profiles, catalog, behaviours, now_ms)
    proposals = joined(
        # In front, and the strongest first: so the first proposal of a row says after which item it was chosen most.
        neighbours,
        to_each(_looks_alike(tastes, profiles, catalog), _VISUAL),
        to_all(trends.rising, _TRENDING, count),
        to_all(catalog.freshest(FRESH_COUNT), _FRESH, count),
        to_all(trends.loved, _POPULAR, count),
        to_each(tastes.refused, _REFUSED),
    )
    merged = merge(proposals)
    sources = proposals.sources[merged.order]
    first, last = np.minimum.reduceat(sources, merged.starts), np.maximum.reduceat(sources, merged.starts)
    wishes = _wishes(merged, profiles, catalog)
    why = _reasons_against(merged, last == _REFUSED, wishes, profiles, users, catalog, now_ms)
    # What was only refused was never proposed.
    why[first == _REFUSED] = len(FILTERS) + 1
    kept = np.flatnonzero(why == 0)
    follows = np.zeros(len(sources), np.float32)
    follows[: len(followed)] = followed
    chosen_after = np.full(len(sources), -1)
    chosen_after[: len(origins)] = origins
    return Candidates(
        merged.users[kept],
        merged.rows[kept],
        np.searchsorted(merged.users[kept], np.arange(count + 1)),
        first[kept],
        np.minimum(np.add.reduceat(follows[merged.order], merged.starts), np.float32(1.0))[kept],
        merged.first(chosen_after)[kept],
        wishes.of(kept),
        [
            {name: number for name, number in zip(FILTERS, each[1:-1], strict=True) if number}
            for each in _counts(merged.users, why, count, len(FILTERS) + 2)
        ],
    )


def _neighbours(
    profiles: Sequence[Profile],
    catalog: Catalog,
    behaviours: Mapping[int, Behaviour],
    now_ms: int,
) -> tuple[Proposals, NDArray[np.float32], NDArray[np.int64]]:
    """What follows the users' latest items, how strongly, and the row that each follows: the strongest first."""
    latest = [(user, age, item) for user, each in enumerate(profiles) for age, item in enumerate(recent_items(each))]
    origins = catalog.rows_of(np.array([item for _, _, item in latest], np.uint64)).tolist()
    steps: list[tuple[int, int, int]] = []
    found: list[Behaviour] = []
    for (user, age, item), origin in zip(latest, origins, strict=True):
        behaviour = behaviours.get(item)
        # What left the catalogue shapes no list, and could not be named as a reason.
        if origin >= 0 and behaviour is not None:
            steps.append((user, age, origin))
            found.append(behaviour)
    if not found:
        return NO_PROPOSALS, np.zeros(0, np.float32), NO_PROPOSALS.rows
    spread = np.repeat(np.array(steps), [len(each.neighbours) for each in found], axis=0)
    rows = catalog.rows_of(all_entries(each.neighbours for each in found)["item"])
    strength = strengths(found, now_ms) * np.float32(RECENT_DECAY) ** spread[:, 1].astype(np.float32)
    # Of 16 bits, since those numpy sorts by counting.
    order = np.argsort((np.float32(65535.0) * (1 - strength)).astype(np.uint16), kind="stable")
    order = order[rows[order] >= 0]
    users, origin = spread[order, 0], spread[order, 2]
    return Proposals(users, rows[order], np.full(len(order), _NEIGHBOURS, np.int8)), strength[order], origin


def find_hearts(tastes: Tastes, profiles: Sequence[Profile], catalog: Catalog) -> list[NDArray[np.int64]]:
    """Of each user the rows whose look-alikes are candidates: hearts of interests, and items that it asked for."""
    return _hearts(tastes, _wished(profiles, catalog))


def _hearts(tastes: Tastes, wished: Mapping[int, NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    hearts = tastes.hearts()
    for user, rows in wished.items():
        hearts[user] = np.concatenate([hearts[user], rows[:LOOKALIKES_OF]])
    return hearts


def _wished(profiles: Sequence[Profile], catalog: Catalog) -> dict[int, NDArray[np.int64]]:
    return {user: wished_items(each.dials, catalog) for user, each in enumerate(profiles) if len(each.dials)}


def _looks_alike(tastes: Tastes, profiles: Sequence[Profile], catalog: Catalog) -> list[NDArray[np.int64]]:
    """Rows that look like each user's interests, and the items that a user asked for with what looks like them."""
    wished = _wished(profiles, catalog)
    found = catalog.lookalikes(_hearts(tastes, wished))
    for user, rows in wished.items():
        found[user] = np.concatenate([rows, found[user]])
    return found


def _wishes(merged: Merged, profiles: Sequence[Profile], catalog: Catalog) -> Wishes:
    wishes = Wishes(np.zeros(len(merged.rows), np.float32), np.zeros(len(merged.rows), np.int8))
    for user, profile in enumerate(profiles):
        if len(profile.dials):
            own = slice(*np.searchsorted(merged.users, (user, user + 1)))
            found = find_wishes(profile.dials, merged.rows[own], catalog)
            wishes.weights[own], wishes.named_by[own] = found.weights, found.named_by
    return wishes


def _reasons_against(
    merged: Merged,
    refused: NDArray[np.bool_],
    wishes: Wishes,
    profiles: Sequence[Profile],
    users: Sequence[int],
    catalog: Catalog,
    now_ms: int,
) -> NDArray[np.int64]:
    """Why each row is no candidate [m]: the number of the first filter that applies, from 1; 0 where none does."""
    rows = merged.rows
    why = np.zeros(len(rows), np.int64)
    why[_is_seen(merged, profiles, catalog)] = 5
    why[refused] = 4
    why[wishes.weights <= NEVER] = 3
    why[catalog.owners[rows] == np.array(users, np.uint64)[merged.users]] = 2
    why[~catalog.available[rows] | (catalog.expires_ms[rows] <= now_ms)] = 1
    return why


def _is_seen(merged: Merged, profiles: Sequence[Profile], catalog: Catalog) -> NDArray[np.bool_]:
    """Whether each row was seen by its user: both are looked up as one number, the user above the key's low half."""
    lengths = [len(profile.seen) for profile in profiles]
    seen = np.repeat(np.arange(len(profiles)) << 32, lengths) | np.concatenate([profile.seen for profile in profiles])
    if not len(seen):
        return np.zeros(len(merged.rows), np.bool_)
    seen.sort()
    low = merged.users << 32 | (catalog.keys[merged.rows] & np.uint64(0xFFFF_FFFF)).astype(np.int64)
    same: NDArray[np.bool_] = seen[np.minimum(np.searchsorted(seen, low), len(seen) - 1)] == low
    return same


def _counts(users: NDArray[np.int64], kinds: NDArray[np.integer], count: int, limit: int) -> list[list[int]]:
    """How often each kind (0 to below `limit`) stands with each of `count` users."""
    counts: list[list[int]] = np.bincount(users * limit + kinds, minlength=count * limit).reshape(count, limit).tolist()
    return counts
