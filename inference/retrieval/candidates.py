"""From users' profiles to a few hundred items worth ranking: what looks alike, what others chose next, what is new.

All users of a batch in few calls, and what is done for each candidate is compiled (docs/adr/0011). Everything here is a
function of its arguments. Rows are rows of the catalogue replica.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour, strengths
from features.dials import NEVER
from features.jit import compiled
from features.ledger import all_entries
from features.profile import Profile
from features.recommendation import Source
from features.trends import at_time
from inference.catalog.catalog import Catalog
from inference.retrieval.merge import NONE_CO_ENGAGED, CoEngaged, Merged, merge
from inference.retrieval.preferences import SIMILAR_TO_WISHED, Wishes, find_wishes, wished_items
from inference.retrieval.tastes import RECENT_DECAY, Tastes

#: In the order in which a candidate that several sources give is credited to them.
SOURCES: tuple[Source, ...] = ("visual", "neighbours", "trending", "fresh", "popular")
_VISUAL, _NEIGHBOURS, _TRENDING, _FRESH, _POPULAR = range(len(SOURCES))
#: Not a source: what the user refused.
_REFUSED = len(SOURCES)
#: Why a row is no candidate; the first that applies counts.
FILTERS = ("unavailable", "own", "unwanted", "hidden", "seen")
_UNAVAILABLE, _OWN, _UNWANTED, _HIDDEN, _SEEN = range(len(FILTERS))
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
    merged = merge(
        _neighbours(profiles, catalog, behaviours, now_ms),
        _NEIGHBOURS,
        {_VISUAL: _looks_alike(tastes, profiles, catalog), _REFUSED: tastes.refused},
        {_TRENDING: trends.rising, _FRESH: catalog.freshest(FRESH_COUNT), _POPULAR: trends.loved},
        count,
    )
    wishes = _wishes(merged, profiles, catalog)
    kept, bounds, filtered = _filter(
        merged.users,
        merged.rows,
        merged.first,
        merged.last,
        wishes.weights,
        np.array(users, np.uint64),
        np.concatenate([profile.seen for profile in profiles]),
        np.array([len(profile.seen) for profile in profiles]),
        catalog.keys,
        catalog.owners,
        catalog.available,
        catalog.expires_ms,
        now_ms,
    )
    return Candidates(
        merged.users[kept],
        merged.rows[kept],
        bounds,
        merged.first[kept],
        np.minimum(merged.strengths[kept], np.float32(1.0)),
        merged.origins[kept],
        wishes.of(kept),
        [{name: number for name, number in zip(FILTERS, each, strict=True) if number} for each in filtered.tolist()],
    )


@compiled
def _filter(
    users: NDArray[np.int64],
    rows: NDArray[np.int64],
    first: NDArray[np.int8],
    last: NDArray[np.int8],
    wishes: NDArray[np.float32],
    user_keys: NDArray[np.uint64],
    seen: NDArray[np.uint32],
    seen_counts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    owners: NDArray[np.uint64],
    available: NDArray[np.bool_],
    expires_ms: NDArray[np.int64],
    now_ms: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which merged rows are candidates: their places [m], and where those of each user begin and end [users + 1].

    And how many of each user's every filter took [users, filters]. What was only refused was never proposed.
    """
    kept = np.empty(len(rows), np.int64)
    bounds = np.zeros(len(user_keys) + 1, np.int64)
    filtered = np.zeros((len(user_keys), len(FILTERS)), np.int64)
    seen_starts = np.zeros(len(user_keys), np.int64)
    for user in range(1, len(user_keys)):
        seen_starts[user] = seen_starts[user - 1] + seen_counts[user - 1]
    count = 0
    for place in range(len(rows)):
        user, row = users[place], rows[place]
        if first[place] == _REFUSED:
            continue
        if not available[row] or expires_ms[row] <= now_ms:
            filtered[user, _UNAVAILABLE] += 1
        elif owners[row] == user_keys[user]:
            filtered[user, _OWN] += 1
        elif wishes[place] <= NEVER:
            filtered[user, _UNWANTED] += 1
        elif last[place] == _REFUSED:
            filtered[user, _HIDDEN] += 1
        elif _has(seen[seen_starts[user] : seen_starts[user] + seen_counts[user]], np.uint32(keys[row])):
            filtered[user, _SEEN] += 1
        else:
            kept[count] = place
            count += 1
            bounds[user + 1] = count
    for user in range(len(user_keys)):
        bounds[user + 1] = max(bounds[user + 1], bounds[user])
    return kept[:count], bounds, filtered


@compiled
def _has(values: NDArray[np.uint32], value: np.uint32) -> bool:
    """Whether a value is among them; without a way out of the loop, so that one instruction looks at many."""
    found = False
    for each in values:
        found |= each == value
    return found


def _neighbours(
    profiles: Sequence[Profile],
    catalog: Catalog,
    behaviours: Mapping[int, Behaviour],
    now_ms: int,
) -> CoEngaged:
    """What follows the users' latest items."""
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
        return NONE_CO_ENGAGED
    rows = catalog.rows_of(all_entries(each.neighbours for each in found)["item"])
    counts = np.array([len(each.neighbours) for each in found])
    return CoEngaged(rows, *_spread(np.array(steps), counts, strengths(found, now_ms)))


@compiled
def _spread(
    steps: NDArray[np.int64], counts: NDArray[np.int64], strengths: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Users, strengths and origins of followers: of each step (user, age, origin) so many, the older the weaker."""
    users, origins, weakened = np.empty(len(strengths), np.int64), np.empty(len(strengths), np.int64), strengths.copy()
    end = 0
    for step in range(len(steps)):
        start, end = end, end + counts[step]
        users[start:end], origins[start:end] = steps[step, 0], steps[step, 2]
        weakened[start:end] *= np.float32(RECENT_DECAY) ** steps[step, 1]
    return users, weakened, origins


def find_medoids(tastes: Tastes, profiles: Sequence[Profile], catalog: Catalog) -> list[NDArray[np.int64]]:
    """Of each user the rows whose look-alikes are candidates: hearts of interests, and items that it asked for."""
    return _medoids(tastes, _wished(profiles, catalog))


def _medoids(tastes: Tastes, wished: Mapping[int, NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    medoids = tastes.medoids()
    for user, rows in wished.items():
        medoids[user] = np.concatenate([medoids[user], rows[:SIMILAR_TO_WISHED]])
    return medoids


def _wished(profiles: Sequence[Profile], catalog: Catalog) -> dict[int, NDArray[np.int64]]:
    return {user: wished_items(each.dials, catalog) for user, each in enumerate(profiles) if len(each.dials)}


def _looks_alike(tastes: Tastes, profiles: Sequence[Profile], catalog: Catalog) -> list[NDArray[np.int64]]:
    """Rows that look like each user's interests, and the items that a user asked for with what looks like them."""
    wished = _wished(profiles, catalog)
    found = catalog.lookalikes(_medoids(tastes, wished))
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


def _counts(users: NDArray[np.int64], kinds: NDArray[np.integer], count: int, limit: int) -> list[list[int]]:
    """How often each kind (0 to below `limit`) stands with each of `count` users."""
    counts: list[list[int]] = np.bincount(users * limit + kinds, minlength=count * limit).reshape(count, limit).tolist()
    return counts
