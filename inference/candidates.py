"""From a user's profile to a few hundred items worth ranking: what looks alike, what others chose next, what is new.

Everything here is a function of its arguments. Rows are rows of the catalogue replica.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour, strengths
from features.dials import NEVER
from features.interests import Interests, find_interests
from features.ledger import EMPTY, faded
from features.profile import ENGAGED_HALF_LIFE_MS, Profile
from features.recommendation import Source
from features.trends import at_time
from inference.catalog import Catalog
from inference.dials import LOOKALIKES_OF, Wishes, find_wishes, wished_items

T = TypeVar("T", bound=np.generic)

#: In the order in which a candidate that several sources give is credited to them.
SOURCES: tuple[Source, ...] = ("visual", "neighbours", "trending", "fresh", "popular")
#: Why a row is no candidate; the first that applies counts.
FILTERS = ("unavailable", "own", "unwanted", "hidden", "seen")
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
    """Rows [m], each once, with their `source` (index in SOURCES) and what the sources know of them, float32 [m].

    `neighbour_of` int64 [m] is the engaged row after which others chose the candidate, -1 for none. `wishes` is None
    for a user without dials.
    """

    rows: NDArray[np.int64]
    source: NDArray[np.int8]
    neighbour: NDArray[np.float32]
    neighbour_of: NDArray[np.int64]
    popular: NDArray[np.float32]
    trend: NDArray[np.float32]
    filtered: dict[str, int]
    wishes: Wishes | None = None

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
    """Candidates of each user, from all sources, then filtered. `users` are keys of user ids."""
    fresh = catalog.freshest(FRESH_COUNT)
    popular = trends.rows[np.argsort(-trends.popular, kind="stable")[:TREND_COUNT]]
    answer = []
    for taste, profile, user in zip(tastes, profiles, users, strict=True):
        looks_alike = _looks_alike(taste, profile, catalog)
        neighbours, strength, origin = _neighbours(profile, catalog, behaviours, now_ms)
        rows, source = _merge((looks_alike, neighbours, trends.rows[:TREND_COUNT], fresh, popular), catalog)
        wishes = find_wishes(profile.dials, rows, catalog) if len(profile.dials) else None
        why = _reasons_against(rows, profile, user, wishes, catalog, now_ms)
        rows, source = rows[why == 0], source[why == 0]
        places = catalog.places(rows)
        followed, trending = places.of(neighbours), places.of(trends.rows)
        followed_by, known_trend = followed >= 0, trending >= 0
        strong = np.bincount(followed[followed_by], strength[followed_by], len(rows))
        counts = np.bincount(why, minlength=len(FILTERS) + 1).tolist()
        answer.append(
            Candidates(
                rows,
                source,
                np.minimum(strong, 1.0).astype(np.float32),
                # The strongest origin of a row comes last, and stays.
                _spread(len(rows), followed[followed_by], origin[followed_by], -1),
                _spread(len(rows), trending[known_trend], trends.popular[known_trend], 0.0),
                _spread(len(rows), trending[known_trend], trends.trend[known_trend], 0.0),
                {name: count for name, count in zip(FILTERS, counts[1:], strict=True) if count},
                None if wishes is None else wishes.of(why == 0),
            )
        )
    return answer


def _looks_alike(taste: Taste, profile: Profile, catalog: Catalog) -> NDArray[np.int64]:
    """Rows that look like the user's interests, and the items that the user asked for with what looks like them."""
    hearts = taste.rows[taste.interests.hearts]
    if not len(profile.dials):
        return catalog.lookalikes(hearts)
    wished = wished_items(profile.dials, catalog)
    return np.concatenate([wished, catalog.lookalikes(np.concatenate([hearts, wished[:LOOKALIKES_OF]]))])


def _neighbours(
    profile: Profile, catalog: Catalog, behaviours: Mapping[int, Behaviour], now_ms: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Rows that follow the user's latest items, how strongly, and the row each follows: the strongest last."""
    latest = recent_items(profile)
    origins = catalog.rows_of(np.array(latest, np.uint64))
    # What left the catalogue shapes no list, and could not be named as a reason.
    known = [(age, key) for age, key in enumerate(latest) if origins[age] >= 0 and key in behaviours]
    found = [behaviours[key] for _, key in known]
    ages = np.repeat(np.array([age for age, _ in known], np.int64), [len(each.neighbours) for each in found])
    rows = catalog.rows_of(np.concatenate([EMPTY, *(each.neighbours for each in found)])["item"])
    strength = strengths(found, now_ms) * np.float32(RECENT_DECAY) ** ages.astype(np.float32)
    order = np.argsort(strength, kind="stable")
    order = order[rows[order] >= 0]
    return rows[order], strength[order], origins[ages[order]]


def _merge(blocks: Sequence[NDArray[np.int64]], catalog: Catalog) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """All rows once, each credited to the first block that has it."""
    rows = np.concatenate(blocks)
    source = np.repeat(np.arange(len(blocks), dtype=np.int8), [len(block) for block in blocks])
    rows, source = rows[rows >= 0], source[rows >= 0]
    first = catalog.places(rows).of(rows) == np.arange(len(rows))
    return rows[first], source[first]


def _reasons_against(
    rows: NDArray[np.int64], profile: Profile, user: int, wishes: Wishes | None, catalog: Catalog, now_ms: int
) -> NDArray[np.int64]:
    """Why each row is no candidate [m]: the number of the first filter that applies, from 1; 0 where none does."""
    low = (catalog.keys[rows] & np.uint64(0xFFFF_FFFF)).astype(np.uint32)
    seen = np.sort(profile.seen)
    why = np.zeros(len(rows), np.int64)
    if len(seen):
        why[seen[np.minimum(np.searchsorted(seen, low), len(seen) - 1)] == low] = 5
    hidden = catalog.places(rows).of(catalog.rows_of(profile.refused["item"]))
    why[hidden[hidden >= 0]] = 4
    if wishes is not None:
        why[wishes.weights <= NEVER] = 3
    why[catalog.owners[rows] == np.uint64(user)] = 2
    why[~catalog.available[rows] | (catalog.expires_ms[rows] <= now_ms)] = 1
    return why


def _spread(count: int, places: NDArray[np.int64], values: NDArray[T], default: float) -> NDArray[T]:
    """`values` at their places [count]; `default` elsewhere."""
    spread = np.full(count, default, values.dtype)
    spread[places] = values
    return spread
