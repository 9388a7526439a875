"""What users' profiles mean against today's catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.interests import Interests, find_interests
from features.jit import compiled, widen
from features.ledger import all_entries, faded
from features.profile import ENGAGED_HALF_LIFE_MS, Profile
from inference.catalog.catalog import Catalog

RECENT_DECAY = 0.8
_TINY = np.finfo(np.float32).tiny
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Tastes:
    """Of u users, with room for the n items of who engaged with most.

    `rows` int64 [u, n] are the engaged items that the catalogue has, the latest last, -1 for none; `vectors` float32
    [u, n, d] and `weights` float32 [u, n] (sum 1, or 0 without items); `categories` float32 [u, c] the weight by
    category code, `colours` float32 [u, 17] that of COLOUR_NAMES; `refused` the rows [r] that each refused.
    """

    rows: NDArray[np.int64]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    interests: Interests
    categories: NDArray[np.float32]
    colours: NDArray[np.float32]
    refused: Sequence[NDArray[np.int64]]

    def medoids(self) -> list[NDArray[np.int64]]:
        """The rows of the medoids of each user's interests."""
        medoids = self.interests.medoids
        return [rows[places[places >= 0]] for rows, places in zip(self.rows, medoids, strict=True)]


def find_tastes(profiles: Sequence[Profile], catalog: Catalog, now_ms: int) -> Tastes:
    """Look the profiles' items up in the catalogue and group them into interests; what it lacks is passed over."""
    engaged = all_entries(profile.engaged for profile in profiles)
    rows, weights = _latest(
        catalog.rows_of(engaged["item"]),
        faded(engaged, now_ms, ENGAGED_HALF_LIFE_MS),
        np.array([len(profile.engaged) for profile in profiles]),
    )
    vectors = catalog.vectors(rows)
    categories, colours = _totals(
        rows, weights, catalog.categories, catalog.colours.halves, len(catalog.category_names)
    )
    return Tastes(
        rows,
        vectors,
        weights,
        find_interests(vectors, weights),
        categories,
        colours,
        [_refused(profile, catalog) for profile in profiles],
    )


@compiled
def _latest(
    found: NDArray[np.int64], faded: NDArray[np.float32], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Rows [u, n] and weights [u, n] as Tastes has them, from those of all users' items; `counts` [u] are of each."""
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
                recency = np.float32(1) + np.float32(2) * np.float32(RECENT_DECAY) ** (most - 1 - place)
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
    """How much weight of each user lies on each category, and on each colour."""
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


def _refused(profile: Profile, catalog: Catalog) -> NDArray[np.int64]:
    if not len(profile.refused):
        return _NONE
    rows = catalog.rows_of(profile.refused["item"])
    return rows[rows >= 0]
