"""What users' profiles mean with the items of today's catalogue."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.interests import Interests, find_interests
from features.jit import compiled, widen
from features.ledger import EMPTY, all_entries, faded
from features.profile import DAY_MS, ENGAGED_HALF_LIFE_MS, WEIGHTS, Profile, liked, passed_over
from inference.catalog.catalog import Catalog
from inference.retrieval.preferences import SIMILAR_TO_WISHED, wished_items

RECENT_DECAY = 0.8
#: How much more the latest choice says of a user's tastes than one of long ago.
LATEST = 12
#: How long it takes until a refusal says half as much of what looks like its item; the item itself stays away.
REFUSED_HALF_LIFE_MS = 14 * DAY_MS
#: The same of an item that was seen and passed over, of which the last PASSED_LIMIT count.
PASSED_HALF_LIFE_MS = 3 * DAY_MS
PASSED_LIMIT = 8
_TINY = np.finfo(np.float32).tiny
_NONE = np.zeros(0, np.int64)
_NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Tastes:
    """The tastes of u users; n is the greatest number of engaged items that a user has in the catalogue.

    `rows` int64 [u, n] are the engaged items that the catalogue has, the latest last, -1 for none; `vectors` float32
    [u, n, d] and `weights` float32 [u, n] (sum 1, or 0 without items) belong to them. `categories` float32 [u, c] is
    the weight by category code, `colours` float32 [u, 17] the weight by colour (COLOUR_NAMES). `refused` has the rows
    [r] that each user refused, `passed` those that each user saw and passed over lately, and `…_strengths` float32
    how much each still says, 0 to 1. `wished` has by number of user the rows that the user asked for, the most wanted
    first, and `wished_looks` those of them whose look-alikes are wanted, too.
    """

    rows: NDArray[np.int64]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    interests: Interests
    categories: NDArray[np.float32]
    colours: NDArray[np.float32]
    refused: Sequence[NDArray[np.int64]]
    refused_strengths: Sequence[NDArray[np.float32]]
    passed: Sequence[NDArray[np.int64]]
    passed_strengths: Sequence[NDArray[np.float32]]
    wished: Mapping[int, NDArray[np.int64]]
    wished_looks: Mapping[int, NDArray[np.int64]]

    def medoids(self) -> list[NDArray[np.int64]]:
        """For each user the rows whose look-alikes are candidates: medoids of interests, and items asked for."""
        places = self.interests.medoids
        medoids = [rows[own[own >= 0]] for rows, own in zip(self.rows, places, strict=True)]
        for user, rows in self.wished_looks.items():
            medoids[user] = np.concatenate([medoids[user], rows])
        return medoids


def find_tastes(profiles: Sequence[Profile], catalog: Catalog, now_ms: int) -> Tastes:
    """Look up the profiles' items in the catalogue and group them into interests; skip items that it lacks."""
    ledgers = [liked(profile) for profile in profiles]
    passed = [
        passed_over(profile)[-PASSED_LIMIT:] if len(ledger) < len(profile.engaged) else EMPTY
        for profile, ledger in zip(profiles, ledgers, strict=True)
    ]
    engaged = all_entries(ledgers)
    rows, weights = _latest(
        catalog.rows_of(engaged["item"]),
        faded(engaged, now_ms, ENGAGED_HALF_LIFE_MS),
        np.array([len(ledger) for ledger in ledgers]),
    )
    vectors = catalog.pictures.vectors(rows)
    categories, colours = _totals(
        rows, weights, catalog.categories, catalog.colours.halves, len(catalog.category_names)
    )
    wished = {user: wished_items(each.dials, catalog) for user, each in enumerate(profiles) if len(each.dials)}
    return Tastes(
        rows,
        vectors,
        weights,
        find_interests(vectors, weights),
        categories,
        colours,
        *_against([profile.refused for profile in profiles], catalog, _refusal, now_ms),
        *_against(passed, catalog, _indifference, now_ms),
        wished,
        {user: own[catalog.pictures.has(own)][:SIMILAR_TO_WISHED] for user, own in wished.items()},
    )


@compiled
def _latest(
    found: NDArray[np.int64], faded: NDArray[np.float32], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The `rows` and `weights` of Tastes, from those of all users' items; `counts` [u] is the number of each user's."""
    most = start = 0
    for count in counts:
        known = 0
        for row in found[start : start + count]:
            known += row >= 0
        most = max(most, known)
        start += count
    rows = np.full((len(counts), most), -1, np.int64)
    weights = np.zeros((len(counts), most), np.float32)
    start = 0
    for user in range(len(counts)):
        # The latest stands at the end of the line.
        place, total = most, _TINY
        for at in range(start + counts[user] - 1, start - 1, -1):
            if found[at] >= 0:
                place -= 1
                # What was chosen last says most about what is wanted next.
                recency = np.float32(1) + np.float32(LATEST - 1) * np.float32(RECENT_DECAY) ** (most - 1 - place)
                rows[user, place], weights[user, place] = found[at], faded[at] * recency
                total += weights[user, place]
        for place in range(most):
            weights[user, place] /= total
        start += counts[user]
    return rows, weights


@compiled
def _totals(
    rows: NDArray[np.int64],
    weights: NDArray[np.float32],
    categories: NDArray[np.int32],
    colours: NDArray[np.uint16],
    category_count: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The weight of each user by category [u, c] and by colour [u, 17]."""
    by_category = np.zeros((len(rows), category_count), np.float32)
    by_colour = np.zeros((len(rows), colours.shape[1]), np.float32)
    look = np.empty(colours.shape[1], np.float32)
    for user in range(len(rows)):
        for place in range(rows.shape[1]):
            row, weight = rows[user, place], weights[user, place]
            if row >= 0:
                widen(colours[row], look)
                for colour in range(len(look)):
                    by_colour[user, colour] += weight * look[colour]
                if categories[row] >= 0:
                    by_category[user, categories[row]] += weight
    return by_category, by_colour


def _against(
    ledgers: Sequence[NDArray[np.void]],
    catalog: Catalog,
    strength: Callable[[NDArray[np.void], int], NDArray[np.float32]],
    now_ms: int,
) -> tuple[list[NDArray[np.int64]], list[NDArray[np.float32]]]:
    """The rows of each user's entries that the catalogue has, and the strength of each."""
    rows, strengths = [_NONE] * len(ledgers), [_NOTHING] * len(ledgers)
    if any(map(len, ledgers)):
        entries, end = all_entries(ledgers), 0
        every, weights = catalog.rows_of(entries["item"]), strength(entries, now_ms)
        for user, ledger in enumerate(ledgers):
            start, end = end, end + len(ledger)
            is_known = every[start:end] >= 0
            rows[user], strengths[user] = every[start:end][is_known], weights[start:end][is_known]
    return rows, strengths


def _refusal(entries: NDArray[np.void], now_ms: int) -> NDArray[np.float32]:
    """1 for a dislike or more, then less."""
    weights = faded(entries, now_ms, REFUSED_HALF_LIFE_MS)
    return np.asarray(np.minimum(weights / -WEIGHTS["dislike"], 1), np.float32)


def _indifference(entries: NDArray[np.void], now_ms: int) -> NDArray[np.float32]:
    """1 for what was passed over just now, then less; how often it was seen is not known."""
    age_ms = np.maximum(now_ms - entries["at_s"].astype(np.float64) * 1000, 0.0)
    return np.asarray(0.5 ** (age_ms / PASSED_HALF_LIFE_MS), np.float32)
