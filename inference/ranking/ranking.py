"""From candidates to lists: a weighted sum of plain signals, made diverse, each slot with its reasons.

One user of a batch after the other, in compiled loops (docs/adr/0011); everything here is a function of its arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, half, half_dot, summing, widen
from features.profile import DAY_MS
from features.recommendation import Reason, RecommendedItem
from features.vision.colours import COLOUR_NAMES
from inference.catalog.catalog import Catalog
from inference.ranking.reasons import (
    CHOSEN_AFTER,
    LOOKS_LIKE,
    NEW,
    POPULAR,
    SAME_CATEGORY,
    SAME_COLOUR,
    SCORE_WEIGHTS,
    TRENDING,
    WEIGHTS,
    YOU_ASKED,
    find_reasons,
    rounded,
)
from inference.retrieval.candidates import SOURCES, Candidates, Trends
from inference.retrieval.tastes import Tastes

REFUSED_WEIGHT = 1.0
FRESH_HALF_LIFE_MS = DAY_MS
#: Maximal marginal relevance (Carbonell & Goldstein 1998): likeness above this costs, up to DIVERSITY at 1.
ALIKE = 0.6
DIVERSITY = 0.4
SAME_PICTURE = 0.985
#: The slot (from 0) that is kept for a new item when the list has none: without it nothing is learned of new items.
EXPLORE_SLOT = 9
EXPLORE_FRESHNESS = 0.1
#: Only this many times the list's length of candidates are looked at for diversity.
SHORTLIST = 3
_COLOURS = len(COLOUR_NAMES)
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class Ranking:
    """A finished list and its diversity: 1 - mean cosine similarity of neighbouring slots (1 for under two slots)."""

    items: list[RecommendedItem]
    diversity: float


def rank(
    candidates: Candidates, tastes: Tastes, catalog: Catalog, trends: Trends, *, length: int, now_ms: int
) -> list[Ranking]:
    """Of each user the best `length` candidates, diverse, with reasons; empty where there are no candidates."""
    if not len(candidates.rows):
        return [Ranking([], 1.0)] * len(candidates.filtered)
    signals, scores = _signals(candidates, tastes, catalog, trends, now_ms)
    picked = np.full((len(candidates.filtered), length), -1, np.int64)
    shown = np.zeros((*picked.shape, catalog.dimensions), np.float32)
    explored = _fill_lists(
        catalog.halves,
        candidates.rows,
        candidates.bounds,
        tastes.interests.centres,
        tastes.interests.shares,
        np.concatenate(tastes.refused),
        np.array([len(rows) for rows in tastes.refused]),
        signals,
        scores,
        picked,
        shown,
    )
    reasons = find_reasons(picked, shown, signals, candidates, tastes, catalog, now_ms)
    items = _items(picked, explored, scores, reasons, candidates, catalog)
    return [Ranking(*each) for each in zip(items, _diversities(picked, shown).tolist(), strict=True)]


def _signals(
    candidates: Candidates, tastes: Tastes, catalog: Catalog, trends: Trends, now_ms: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Float32 [8, m], in the order of WEIGHTS, each about 0 to 1, and scores [m]; `looks_like` is missing in both."""
    signals = np.zeros((len(WEIGHTS), len(candidates.rows)), np.float32)
    scores = np.zeros(len(candidates.rows), np.float32)
    signals[CHOSEN_AFTER] = candidates.neighbour
    signals[YOU_ASKED] = candidates.wishes.weights
    _fill_in(
        signals,
        scores,
        candidates.users,
        candidates.rows,
        tastes.categories,
        catalog.categories,
        tastes.colours,
        catalog.colours.halves,
        trends.trend,
        trends.popular,
        catalog.uploaded_ms,
        now_ms,
    )
    return signals, scores


@compiled
def _fill_in(
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    users: NDArray[np.int64],
    rows: NDArray[np.int64],
    taste_categories: NDArray[np.float32],
    categories: NDArray[np.int32],
    taste_colours: NDArray[np.float32],
    colours: NDArray[np.uint16],
    trend: NDArray[np.float32],
    popular: NDArray[np.float32],
    uploaded_ms: NDArray[np.int64],
    now_ms: int,
) -> None:
    """Add the signals that follow from tastes, the catalogue's columns and the trends; the scores of all signals."""
    # In a loop of its own: between wide registers and exp2, which knows none, a processor takes long to change over.
    for candidate in range(len(rows)):
        signals[SAME_COLOUR, candidate] = _colour_dot(colours[rows[candidate]], taste_colours[users[candidate]])
    for candidate in range(len(rows)):
        user, row = users[candidate], rows[candidate]
        if categories[row] >= 0:
            signals[SAME_CATEGORY, candidate] = taste_categories[user, categories[row]]
        signals[TRENDING, candidate] = trend[row]
        signals[POPULAR, candidate] = popular[row]
        age = np.float32(max(now_ms - uploaded_ms[row], 0))
        signals[NEW, candidate] = np.exp2(age * np.float32(-1 / FRESH_HALF_LIFE_MS))
        for code in range(len(SCORE_WEIGHTS)):
            scores[candidate] += SCORE_WEIGHTS[code] * signals[code, candidate]


@summing
def _colour_dot(halves: NDArray[np.uint16], other: NDArray[np.float32]) -> np.float32:
    """As `half_dot`, but the compiler knows how many numbers there are, which are too few for its loop of many."""
    total = np.float32(0)
    for colour in range(_COLOURS):
        total += half(halves[colour]) * other[colour]
    return total


@compiled
def _fill_lists(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    centres: NDArray[np.float32],
    shares: NDArray[np.float32],
    refused: NDArray[np.int64],
    refused_counts: NDArray[np.int64],
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> NDArray[np.int64]:
    """Finish signals and scores, and fill in the lists: `picked` [u, l], -1 pads, and the vectors `shown` [u, l, d].

    The catalogue's vectors are `halves`; of refused rows, one user's after another's, each has so many. The slot of
    each list that explores [u], or -1.
    """
    explored = np.empty(len(picked), np.int64)
    end = 0
    for user in range(len(picked)):
        own = slice(bounds[user], bounds[user + 1])
        start, end = end, end + refused_counts[user]
        unwanted = np.empty((end - start, halves.shape[1]), np.float32)
        for place in range(len(unwanted)):
            widen(halves[refused[start + place]], unwanted[place])
        _add_looks(halves, rows[own], centres[user], shares[user], unwanted, signals[:, own], scores[own])
        best = _best(scores[own], SHORTLIST * picked.shape[1])
        explored[user] = _pick(halves, rows[own], best, signals[:, own], scores[own], picked[user], shown[user])
        for slot in range(picked.shape[1]):
            picked[user, slot] += bounds[user] if picked[user, slot] >= 0 else 0
    return explored


@compiled
def _add_looks(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    centres: NDArray[np.float32],
    shares: NDArray[np.float32],
    unwanted: NDArray[np.float32],
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> None:
    """Finish signals [8, n] and scores [n] of one user's candidates, `rows` [n], by how they look.

    Like an interest that takes less of the user's taste counts somewhat less; like something `unwanted` [r, d] costs,
    from likeness ALIKE upwards.
    """
    weights = np.float32(0.6) + np.float32(0.4) * shares / max(shares[0], _TINY)
    for candidate in range(len(rows)):
        vector = halves[rows[candidate]]
        alike = np.float32(0)
        for interest in range(len(centres)):
            alike = max(alike, weights[interest] * half_dot(vector, centres[interest]))
        nearest = np.float32(ALIKE)
        for line in range(len(unwanted)):
            nearest = max(nearest, half_dot(vector, unwanted[line]))
        signals[LOOKS_LIKE, candidate] = alike
        scores[candidate] += alike * SCORE_WEIGHTS[LOOKS_LIKE]
        scores[candidate] -= (nearest - np.float32(ALIKE)) * np.float32(REFUSED_WEIGHT / (1 - ALIKE))


@compiled
def _best(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The places of the highest scores, so many at most, in their order; of equal ones the first."""
    if len(scores) <= count:
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    equals = count - (scores > least).sum()
    best = np.empty(count, np.int64)
    found = 0
    for place in range(len(scores)):
        if scores[place] > least or (scores[place] == least and equals > 0):
            equals -= scores[place] == least
            best[found] = place
            found += 1
    return best[:found]


@compiled
def _pick(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    shortlist: NDArray[np.int64],
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> int:
    """Fill one user's list from its candidates, `rows` [n]: `picked` [l] of them, -1 pads, and their vectors `shown`.

    Greedily the next is always the best of the `shortlist`, less what it repeats; a second copy of one picture is never
    taken. As the list grows a candidate's worth only falls, so that only what looks best is compared with what came
    since (Minoux 1978, "Accelerated greedy algorithms"). The slot that explores, or -1.
    """
    worth, cost = scores[shortlist], np.zeros(len(shortlist), np.float32)
    compared = np.zeros(len(shortlist), np.int64)
    vectors = np.empty((len(shortlist), halves.shape[1]), np.float32)
    for place in range(len(shortlist)):
        widen(halves[rows[shortlist[place]]], vectors[place])
    knows_new = False
    for slot in range(min(len(picked), len(shortlist))):
        best = worth.argmax()
        while compared[best] < slot and worth[best] > -np.inf:
            for earlier in range(compared[best], slot):
                similarity = dot(vectors[best], shown[earlier])
                repeated = np.inf if similarity >= SAME_PICTURE else (similarity - ALIKE) * (DIVERSITY / (1 - ALIKE))
                cost[best] = max(cost[best], np.float32(repeated))
            worth[best] = scores[shortlist[best]] - cost[best]
            compared[best] = slot
            best = worth.argmax()
        if worth[best] == -np.inf:
            break
        picked[slot], shown[slot], worth[best] = shortlist[best], vectors[best], -np.inf
        knows_new |= _is_unknown(signals, picked[slot])
    if knows_new or len(picked) <= EXPLORE_SLOT or picked[EXPLORE_SLOT] < 0:
        return -1
    return _explore(halves, rows, signals, scores, picked, shown)


@compiled
def _is_unknown(signals: NDArray[np.float32], candidate: int) -> bool:
    """Whether an item is new, and nobody engaged with it yet."""
    return bool(signals[NEW, candidate] >= EXPLORE_FRESHNESS and signals[POPULAR, candidate] == 0)


@compiled
def _explore(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> int:
    """Put the best new item that nobody knows yet into its slot of a list that has none; not a copy of what is shown.

    The slot, or -1 where there is no such item.
    """
    best, vector = -1, np.empty(halves.shape[1], np.float32)
    for candidate in range(len(rows)):
        if _is_unknown(signals, candidate) and (best < 0 or scores[candidate] > scores[best]):
            widen(halves[rows[candidate]], vector)
            if not _is_shown(vector, picked, shown):
                best = candidate
    if best < 0:
        return -1
    for slot in range(len(picked) - 1, EXPLORE_SLOT, -1):
        picked[slot], shown[slot] = picked[slot - 1], shown[slot - 1]
    picked[EXPLORE_SLOT] = best
    widen(halves[rows[best]], shown[EXPLORE_SLOT])
    return EXPLORE_SLOT


@compiled
def _is_shown(vector: NDArray[np.float32], picked: NDArray[np.int64], shown: NDArray[np.float32]) -> bool:
    """Whether a list has this picture."""
    found = False
    for slot in range(len(picked)):
        found |= bool(picked[slot] >= 0 and dot(shown[slot], vector) >= SAME_PICTURE)
    return found


@compiled
def _diversities(picked: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 - the mean similarity of neighbouring slots of each list [u, l] with its vectors [u, l, d]; of one slot, 1."""
    diversities = np.ones(len(picked))
    for user in range(len(picked)):
        steps = (picked[user] >= 0).sum() - 1
        for slot in range(steps):
            diversities[user] -= dot(vectors[user, slot], vectors[user, slot + 1]) / steps
    return diversities


def _items(
    picked: NDArray[np.int64],
    explored: NDArray[np.int64],
    scores: NDArray[np.float32],
    reasons: Sequence[list[Reason]],
    candidates: Candidates,
    catalog: Catalog,
) -> list[list[RecommendedItem]]:
    users, slots = np.nonzero(picked >= 0)
    chosen = picked[users, slots]
    facts = zip(
        users.tolist(),
        candidates.rows[chosen].tolist(),
        rounded(scores[chosen]),
        candidates.sources[chosen].tolist(),
        (explored[users] == slots).tolist(),
        reasons,
        strict=True,
    )
    items: list[list[RecommendedItem]] = [[] for _ in picked]
    for user, row, score, source, explore, why in facts:
        item_id = catalog.item_ids[row]
        items[user].append(
            RecommendedItem(item_id=item_id, score=score, source=SOURCES[source], explore=explore, reasons=why)
        )
    return items
