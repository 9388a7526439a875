"""The signals of candidates: how strongly one thing speaks for each, about 0 to 1.

A signal is a compiled function that gives float32 [m] for m candidates, and `_fill` lists them: one call for all, since
for a single user a call of a compiled function takes as long as its numbers.
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, half, half_dot, summing
from features.profile import DAY_MS
from features.vision.colours import COLOUR_NAMES
from inference.catalog.facts.attributes import Columns
from inference.ranking.affinity.attributes import same_attribute
from inference.ranking.affinity.prices import within_budget
from inference.ranking.weights import (
    CHOSEN_AFTER,
    CHOSEN_BY_SIMILAR,
    GOES_WITH,
    LOOKS_LIKE,
    NEW,
    POPULAR,
    SAME_ATTRIBUTE,
    SAME_CATEGORY,
    SAME_COLOUR,
    SAME_TAG,
    TRAINED,
    TRENDING,
    WEIGHTS,
    WITHIN_BUDGET,
    YOU_ASKED,
)
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query

FRESH_HALF_LIFE_MS = DAY_MS
_COLOURS = len(COLOUR_NAMES)
_TINY = np.finfo(np.float32).tiny


def find_signals(query: Query, candidates: Candidates) -> NDArray[np.float32]:
    """The strengths of all signals for the m candidates, float32 [signals, m], in the order of WEIGHTS."""
    signals = np.zeros((len(WEIGHTS), len(candidates.rows)), np.float32)
    signals[CHOSEN_AFTER] = candidates.strengths
    signals[CHOSEN_BY_SIMILAR] = candidates.session_strengths
    for source, judgement in query.trained.items():
        signals[TRAINED[source]] = judgement.strengths(candidates.rows, candidates.bounds)
    signals[GOES_WITH] = candidates.cross_strengths
    signals[YOU_ASKED] = candidates.wishes.weights
    tastes, catalog = query.tastes, query.catalog
    _fill(
        signals,
        candidates.users,
        candidates.rows,
        candidates.bounds,
        tastes.interests.centres,
        tastes.interests.shares,
        tastes.categories,
        tastes.colours,
        tastes.rows,
        tastes.weights,
        catalog.pictures.halves,
        catalog.categories,
        catalog.colours.halves,
        catalog.attributes.columns,
        catalog.tags.columns,
        catalog.prices,
        catalog.currencies,
        catalog.uploaded_ms,
        query.trends.trend,
        query.trends.popular,
        query.now_ms,
    )
    return signals


@compiled
def _fill(
    signals: NDArray[np.float32],
    users: NDArray[np.int64],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    centres: NDArray[np.float32],
    shares: NDArray[np.float32],
    taste_categories: NDArray[np.float32],
    taste_colours: NDArray[np.float32],
    taste_rows: NDArray[np.int64],
    taste_weights: NDArray[np.float32],
    halves: NDArray[np.uint16],
    categories: NDArray[np.int32],
    colours: NDArray[np.uint16],
    attributes: Columns,
    tags: Columns,
    prices: NDArray[np.float32],
    currencies: NDArray[np.int16],
    uploaded_ms: NDArray[np.int64],
    trend: NDArray[np.float32],
    popular: NDArray[np.float32],
    now_ms: int,
) -> None:
    """Write the signals that follow from tastes, trends and the catalogue's columns."""
    signals[LOOKS_LIKE] = looks_like(rows, bounds, centres, shares, halves)
    signals[SAME_CATEGORY] = same_category(users, rows, taste_categories, categories)
    signals[SAME_COLOUR] = same_colour(users, rows, taste_colours, colours)
    signals[SAME_ATTRIBUTE] = same_attribute(bounds, rows, taste_rows, taste_weights, *attributes)
    signals[SAME_TAG] = same_attribute(bounds, rows, taste_rows, taste_weights, *tags)
    signals[WITHIN_BUDGET] = within_budget(bounds, rows, taste_rows, taste_weights, prices, currencies)
    signals[TRENDING] = trend[rows]
    signals[POPULAR] = popular[rows]
    signals[NEW] = new(rows, uploaded_ms, now_ms)


@compiled
def looks_like(
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    centres: NDArray[np.float32],
    shares: NDArray[np.float32],
    halves: NDArray[np.uint16],
) -> NDArray[np.float32]:
    """The cosine similarity to the user's nearest interest, somewhat less for an interest of a smaller share."""
    signal = np.zeros(len(rows), np.float32)
    for user in range(len(centres)):
        count = (shares[user] > 0).sum()
        weights = np.float32(0.6) + np.float32(0.4) * shares[user] / max(shares[user, 0], _TINY)
        for candidate in range(bounds[user], bounds[user + 1] if count else 0):
            vector, nearest = halves[rows[candidate]], np.float32(0)
            for interest in range(count):
                nearest = max(nearest, weights[interest] * half_dot(vector, centres[user, interest]))
            signal[candidate] = nearest
    return signal


@compiled
def same_category(
    users: NDArray[np.int64],
    rows: NDArray[np.int64],
    taste_categories: NDArray[np.float32],
    categories: NDArray[np.int32],
) -> NDArray[np.float32]:
    """The share of the candidate's category in what the user engaged with."""
    signal = np.zeros(len(rows), np.float32)
    for candidate in range(len(rows)):
        category = categories[rows[candidate]]
        if category >= 0:
            signal[candidate] = taste_categories[users[candidate], category]
    return signal


@compiled
def same_colour(
    users: NDArray[np.int64],
    rows: NDArray[np.int64],
    taste_colours: NDArray[np.float32],
    colours: NDArray[np.uint16],
) -> NDArray[np.float32]:
    """How much of the candidate, and of what the user engaged with, has the same colours."""
    signal = np.empty(len(rows), np.float32)
    for candidate in range(len(rows)):
        signal[candidate] = _colour_dot(colours[rows[candidate]], taste_colours[users[candidate]])
    return signal


@summing
def _colour_dot(halves: NDArray[np.uint16], other: NDArray[np.float32]) -> np.float32:
    """As `half_dot`, with a length that the compiler knows: 17 numbers are too few for its loop over many."""
    total = np.float32(0)
    for colour in range(_COLOURS):
        total += half(halves[colour]) * other[colour]
    return total


@compiled
def new(rows: NDArray[np.int64], uploaded_ms: NDArray[np.int64], now_ms: int) -> NDArray[np.float32]:
    """1 at the upload, then half of it every FRESH_HALF_LIFE_MS."""
    signal = np.empty(len(rows), np.float32)
    for candidate in range(len(rows)):
        age = np.float32(max(now_ms - uploaded_ms[rows[candidate]], 0))
        signal[candidate] = np.exp2(age * np.float32(-1 / FRESH_HALF_LIFE_MS))
    return signal
