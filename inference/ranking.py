"""From candidates to lists: a weighted sum of plain signals, made diverse, each slot with its reasons.

All users of a batch at once; everything here is a function of its arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.profile import DAY_MS
from features.recommendation import Reason, RecommendedItem
from inference.candidates import SOURCES, Candidates, Trends
from inference.catalog import Catalog
from inference.reasons import PLACE, SCORE_WEIGHTS, WEIGHTS, find_reasons, rounded
from inference.tastes import Tastes

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
_TINY = np.finfo(np.float32).tiny
_INFINITE = np.float32(np.inf)


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
    signals = _signals(candidates, tastes, catalog, trends, now_ms)
    scores = SCORE_WEIGHTS @ signals
    shortlist, similarity = _shortlist(candidates, tastes, catalog, signals, scores, SHORTLIST * length)
    places = _diversify(np.where(shortlist >= 0, scores[shortlist], -_INFINITE), similarity, length)
    picked = np.where(places >= 0, np.take_along_axis(shortlist, places, axis=1), -1)
    # [u, length, d]; -1 is some row, whose vector is not looked at.
    vectors = catalog.vectors(candidates.rows[picked])
    explored = _explore(picked, vectors, candidates, scores, signals, catalog)
    reasons = find_reasons(picked, vectors, signals, candidates, tastes, catalog, now_ms)
    items = _items(picked, explored, scores, reasons, candidates, catalog)
    return [Ranking(*each) for each in zip(items, _diversities(picked, vectors), strict=True)]


def _signals(
    candidates: Candidates, tastes: Tastes, catalog: Catalog, trends: Trends, now_ms: int
) -> NDArray[np.float32]:
    """Float32 [8, m], in the order of WEIGHTS, each about 0 to 1; all but `looks_like`."""
    users, rows = candidates.users, candidates.rows
    signals = np.zeros((len(WEIGHTS), len(rows)), np.float32)
    signals[PLACE["chosen_after"]] = candidates.neighbour
    if tastes.categories.shape[1]:
        codes = catalog.categories[rows]
        signals[PLACE["same_category"]] = np.where(codes >= 0, tastes.categories[users, codes], 0.0)
    signals[PLACE["same_colour"]] = np.einsum("mc,mc->m", catalog.colours[rows], tastes.colours[users])
    signals[PLACE["trending"]] = trends.trend[rows]
    signals[PLACE["popular"]] = trends.popular[rows]
    age = np.maximum(now_ms - catalog.uploaded_ms[rows], 0).astype(np.float32)
    signals[PLACE["new"]] = np.exp2(age * np.float32(-1 / FRESH_HALF_LIFE_MS))
    signals[PLACE["you_asked"]] = candidates.wishes.weights
    return signals


def _shortlist(
    candidates: Candidates,
    tastes: Tastes,
    catalog: Catalog,
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    size: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Finish signals and scores by how candidates look; the best of each user [u, size], -1 pads, the best first.

    And how alike those look, float32 [u, size, size].
    """
    users = len(candidates.filtered)
    shortlist = np.full((users, size), -1)
    similarity = np.zeros((users, size, size), np.float32)
    shares = tastes.interests.shares
    likes = tastes.interests.centres * (0.6 + 0.4 * shares / np.maximum(shares[:, :1], _TINY))[:, :, None]
    # User by user, since the vectors of one user's candidates fit into the processor's cache, and a batch's do not.
    for user, (start, end) in enumerate(pairwise(candidates.bounds.tolist())):
        vectors = catalog.vectors(candidates.rows[start:end])
        alike = np.maximum((likes[user] @ vectors.T).max(axis=0), 0.0)
        signals[PLACE["looks_like"], start:end] = alike
        own = scores[start:end]
        own += alike * np.float32(WEIGHTS["looks_like"])
        if len(tastes.refused[user]):
            own -= _refused(vectors, catalog.vectors(tastes.refused[user]))
        best = np.argsort(-own, kind="stable")[:size]
        count = len(best)
        shortlist[user, :count] = best + start
        leading = vectors[best]
        np.matmul(leading, leading.T, out=similarity[user, :count, :count])
    return shortlist, similarity


def _refused(vectors: NDArray[np.float32], refused: NDArray[np.float32]) -> NDArray[np.float32]:
    """What looking like something that the user refused [r, d] costs, from likeness ALIKE upwards."""
    nearest: NDArray[np.float32] = (refused @ vectors.T).max(axis=0)
    cost: NDArray[np.float32] = np.maximum(nearest - ALIKE, 0.0) * np.float32(REFUSED_WEIGHT / (1 - ALIKE))
    return cost


def _diversify(scores: NDArray[np.float32], similarity: NDArray[np.float32], length: int) -> NDArray[np.int64]:
    """Greedily the best next one of each user, less what it repeats: places [u, length] in `scores` [u, s], -1 pads.

    A second copy of one picture is never taken. The first of each user scores best.
    """
    users, size = scores.shape
    repeats = np.maximum(similarity - ALIKE, 0.0) * np.float32(DIVERSITY / (1 - ALIKE))
    repeats[similarity >= SAME_PICTURE] = np.inf
    repeats[:, range(size), range(size)] = np.inf
    repeats = repeats.reshape(users * size, size)
    lines = np.arange(users) * size
    cost, repeated, value = np.zeros_like(scores), np.empty_like(scores), scores.copy()
    picked = np.empty((users, length), np.int64)
    for slot in range(length):
        best = value.argmax(axis=1)
        picked[:, slot] = best
        repeats.take(best + lines, axis=0, out=repeated, mode="clip")
        np.maximum(cost, repeated, out=cost)
        np.subtract(scores, cost, out=value)
    # Where nothing is left, the first is the best once more.
    picked[:, 1:][picked[:, 1:] == 0] = -1
    return picked


def _explore(
    picked: NDArray[np.int64],
    vectors: NDArray[np.float32],
    candidates: Candidates,
    scores: NDArray[np.float32],
    signals: NDArray[np.float32],
    catalog: Catalog,
) -> NDArray[np.int64]:
    """Put the best new item that nobody knows yet into its slot of the lists [u, l] that have none, and its vector.

    Not a copy of a picture that is shown. The slot of each user [u], -1 for none.
    """
    explored = np.full(len(picked), -1)
    new = (signals[PLACE["new"]] >= EXPLORE_FRESHNESS) & (signals[PLACE["popular"]] == 0)
    if picked.shape[1] <= EXPLORE_SLOT or not new.any():
        return explored
    lacking = (picked[:, EXPLORE_SLOT] >= 0) & ~(new[picked] & (picked >= 0)).any(axis=1)
    lacking &= np.bincount(candidates.users[new], minlength=len(picked)) > 0
    for user in np.flatnonzero(lacking).tolist():
        start, end = candidates.bounds[user : user + 2]
        unknown = start + np.flatnonzero(new[start:end])
        shown = vectors[user, picked[user] >= 0]
        for place in unknown[np.argsort(-scores[unknown], kind="stable")].tolist():
            vector = catalog.vectors(candidates.rows[[place]])[0]
            if (shown @ vector).max() < SAME_PICTURE:
                for line, entered in ((picked[user], place), (vectors[user], vector)):
                    line[EXPLORE_SLOT + 1 :] = line[EXPLORE_SLOT:-1].copy()
                    line[EXPLORE_SLOT] = entered
                explored[user] = EXPLORE_SLOT
                break
    return explored


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


def _diversities(picked: NDArray[np.int64], vectors: NDArray[np.float32]) -> list[float]:
    steps = np.einsum("uld,uld->ul", vectors[:, 1:], vectors[:, :-1])
    taken = picked[:, 1:] >= 0
    mean = (steps * taken).sum(axis=1) / np.maximum(taken.sum(axis=1), 1)
    diversities: list[float] = (1.0 - mean).tolist()
    return diversities


def rank_similar(
    query: NDArray[np.float32],
    rows: NDArray[np.int64],
    catalog: Catalog,
    *,
    length: int,
    now_ms: int,
    owner: int | None = None,
) -> list[RecommendedItem]:
    """Of the rows that look most like a picture's embedding [dimensions] the first `length`; not the `owner`'s own."""
    found = zip(rows.tolist(), (catalog.vectors(rows) @ query).tolist(), strict=True)
    return [
        RecommendedItem(
            item_id=catalog.item_ids[row],
            score=round(similarity, 4),
            source="visual",
            explore=False,
            reasons=[Reason(code="looks_like", similarity=round(similarity, 4))],
        )
        for row, similarity in found
        if catalog.expires_ms[row] > now_ms and catalog.owners[row] != owner
    ][:length]
