"""From a user's profile to a few hundred items worth ranking: what looks alike, what others chose next, what is new.

Everything here is a function of its arguments. Rows are rows of the catalogue replica.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour, strengths
from features.interests import Interests, find_interests
from features.ledger import faded
from features.profile import ENGAGED_HALF_LIFE_MS, Profile
from features.recommendation import Source
from features.trends import at_time
from inference.catalog import Catalog

T = TypeVar("T", bound=np.generic)

#: In the order in which a candidate that several sources give is credited to them.
SOURCES: tuple[Source, ...] = ("visual", "neighbours", "trending", "fresh", "popular")
VISUAL_COUNT = 48
TREND_COUNT = 32
FRESH_COUNT = 32
RECENT_COUNT = 5
RECENT_DECAY = 0.8


@dataclass(frozen=True, slots=True)
class Taste:
    """What a profile means against today's catalogue.

    `rows` [n] are the engaged items that the catalogue has, the latest last, with `vectors` float32 [n, d] and
    `weights` float32 [n] (sum 1); `categories` float32 [c] the weight by category code, `colours` float32 [17] that
    of COLOUR_NAMES; `refused` float32 [r, d].
    """

    rows: NDArray[np.int64]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    interests: Interests
    categories: NDArray[np.float32]
    colours: NDArray[np.float32]
    refused: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trends:
    """The trends as rows [n] of the catalogue, `popular` and `trend` float32 [n] scaled to 0..1 by the strongest."""

    rows: NDArray[np.int64]
    popular: NDArray[np.float32]
    trend: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows [m] in growing order with their `source` (index in SOURCES) and what the sources know of them, float32 [m].

    `neighbour_of` int64 [m] is the engaged row after which others chose the candidate, -1 for none.
    """

    rows: NDArray[np.int64]
    source: NDArray[np.int8]
    neighbour: NDArray[np.float32]
    neighbour_of: NDArray[np.int64]
    popular: NDArray[np.float32]
    trend: NDArray[np.float32]
    filtered: dict[str, int]

    def source_counts(self) -> dict[str, int]:
        """How many candidates each source is credited with."""
        return dict(zip(SOURCES, np.bincount(self.source, minlength=len(SOURCES)).tolist(), strict=True))


def find_taste(profile: Profile, catalog: Catalog, now_ms: int) -> Taste:
    """Look the profile's items up in the catalogue and group them into interests; what it lacks is passed over."""
    rows = catalog.rows_of(profile.engaged["item"])
    known = rows >= 0
    rows = rows[known]
    weights = faded(profile.engaged, now_ms, ENGAGED_HALF_LIFE_MS)[known]
    # What was chosen last says most about what is wanted next.
    weights = weights * (1.0 + 2.0 * RECENT_DECAY ** np.arange(len(rows) - 1, -1, -1, dtype=np.float32))
    weights = (weights / max(weights.sum(), np.finfo(np.float32).tiny)).astype(np.float32)
    vectors = catalog.vectors(rows)
    codes = catalog.categories[rows]
    categories = np.bincount(codes[codes >= 0], weights[codes >= 0], len(catalog.category_names)).astype(np.float32)
    refused = catalog.rows_of(profile.refused["item"])
    return Taste(
        rows,
        vectors,
        weights,
        find_interests(vectors, weights),
        categories,
        weights @ catalog.colours[rows],
        catalog.vectors(refused[refused >= 0]),
    )


def find_trends(table: NDArray[np.void], catalog: Catalog, now_ms: int) -> Trends:
    """The trends table (`features.trends`) by rows of the catalogue, the strongest first."""
    rows = catalog.rows_of(table["item"])
    popular, trend = (
        values[rows >= 0] / max(float(values.max(initial=0.0)), 1e-9) for values in at_time(table, now_ms)
    )
    rows = rows[rows >= 0]
    order = np.argsort(-trend, kind="stable")
    return Trends(rows[order], popular[order], trend[order])


def recent_items(profile: Profile) -> list[int]:
    """The keys of the items whose neighbours are candidates, the latest first."""
    return [int(item) for item in profile.engaged["item"][: -RECENT_COUNT - 1 : -1]]


def generate_candidates(
    tastes: Sequence[Taste],
    profiles: Sequence[Profile],
    users: Sequence[int],
    catalog: Catalog,
    behaviours: Mapping[int, Behaviour],
    trends: Trends,
    now_ms: int,
) -> list[Candidates]:
    """Candidates of each user: one search for all of them, then filters. `users` are keys of user ids."""
    centres = [taste.interests.centres for taste in tastes]
    found, _ = catalog.search(np.concatenate([np.empty((0, catalog.dimensions), np.float32), *centres]), VISUAL_COUNT)
    ends = np.cumsum([len(each) for each in centres])
    fresh = catalog.freshest(FRESH_COUNT)
    popular = trends.rows[np.argsort(-trends.popular, kind="stable")[:TREND_COUNT]]
    answer = []
    for profile, user, looks_alike in zip(profiles, users, np.split(found, ends[:-1]), strict=True):
        neighbours, neighbour, neighbour_of = _neighbours(profile, catalog, behaviours, now_ms)
        blocks = (looks_alike.ravel(), neighbours, trends.rows[:TREND_COUNT], fresh, popular)
        rows, source = _merge(blocks)
        keep, filtered = _filter(rows, profile, user, catalog, now_ms)
        rows, source = rows[keep], source[keep]
        answer.append(
            Candidates(
                rows,
                source,
                _spread(rows, neighbours, neighbour, 0.0),
                _spread(rows, neighbours, neighbour_of, -1),
                _spread(rows, trends.rows, trends.popular, 0.0),
                _spread(rows, trends.rows, trends.trend, 0.0),
                filtered,
            )
        )
    return answer


def _neighbours(
    profile: Profile, catalog: Catalog, behaviours: Mapping[int, Behaviour], now_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Rows that follow the user's latest items, their strength (at most 1), and the row each follows most."""
    items: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    weights: list[NDArray[np.float32]] = [np.empty(0, np.float32)]
    origins: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for age, key in enumerate(recent_items(profile)):
        behaviour, origin = behaviours.get(key), catalog.rows_of(np.array([key], np.uint64))[0]
        if behaviour is None or origin < 0:
            continue  # what left the catalogue shapes no list, and could not be named as a reason
        rows = catalog.rows_of(behaviour.neighbours["item"])
        items.append(rows[rows >= 0])
        weights.append(strengths(behaviour, now_ms)[rows >= 0] * np.float32(RECENT_DECAY**age))
        origins.append(np.full(len(items[-1]), origin))
    rows, weight, main_of = np.concatenate(items), np.concatenate(weights), np.concatenate(origins)
    unique, inverse = np.unique(rows, return_inverse=True)
    total = np.minimum(np.bincount(inverse, weight, len(unique)), 1.0).astype(np.float32)
    main = np.full(len(unique), -1, np.int64)
    order = np.argsort(weight, kind="stable")  # the strongest origin of a row is written last
    main[inverse[order]] = main_of[order]
    return unique, total, main


def _merge(blocks: Sequence[NDArray[np.int64]]) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """All rows once, in growing order, credited to the first block that has them."""
    rows = np.concatenate(blocks)
    source = np.repeat(np.arange(len(blocks), dtype=np.int8), [len(block) for block in blocks])
    unique, first = np.unique(rows, return_index=True)
    present = unique >= 0
    return unique[present], source[first[present]]


def _filter(
    rows: NDArray[np.int64], profile: Profile, user: int, catalog: Catalog, now_ms: int
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    keys = catalog.keys[rows]
    seen, refused = set(profile.seen.tolist()), set(profile.refused["item"].tolist())
    checks = {
        "unavailable": ~catalog.available[rows] | (catalog.expires_ms[rows] <= now_ms),
        "own": catalog.owners[rows] == np.uint64(user),
        # Sets: for a few hundred keys twice as fast as np.isin, which sorts.
        "hidden": np.array([key in refused for key in keys.tolist()], np.bool_),
        "seen": np.array([key & 0xFFFF_FFFF in seen for key in keys.tolist()], np.bool_),
    }
    keep = np.ones(len(rows), np.bool_)
    filtered = {}
    for reason, mask in checks.items():
        if count := int((mask & keep).sum()):
            filtered[reason] = count
        keep &= ~mask
    return keep, filtered


def _spread(rows: NDArray[np.int64], at: NDArray[np.int64], values: NDArray[T], default: float) -> NDArray[T]:
    """`values`, known at rows `at`, for each of `rows` (growing); `default` elsewhere."""
    spread = np.full(len(rows), default, values.dtype)
    place = np.searchsorted(rows, at)
    inside = place < len(rows)
    hit = inside.copy()
    hit[inside] = rows[place[inside]] == at[inside]
    spread[place[hit]] = values[hit]
    return spread
