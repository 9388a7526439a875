"""From candidates to a list: a weighted sum of plain signals, made diverse, each slot with its reasons.

Everything here is a function of its arguments.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.profile import DAY_MS
from features.recommendation import Reason, ReasonCode, RecommendedItem
from features.visual import COLOUR_NAMES
from inference.candidates import SOURCES, Candidates, Taste
from inference.catalog import Catalog
from inference.dials import NAMED_BY

#: What a signal of strength 1 adds to the score; each signal is also the reason given for a slot it carries.
WEIGHTS: dict[ReasonCode, float] = {
    "looks_like": 1.0,
    "chosen_after": 1.5,
    "same_category": 0.4,
    "same_colour": 0.8,
    "trending": 0.15,
    "popular": 0.15,
    "new": 0.05,
    # The user's own dials, -1 to 1.
    "you_asked": 1.5,
}
_NAMES = tuple(WEIGHTS)
_COLUMN = {name: column for column, name in enumerate(WEIGHTS)}
_WEIGHTS = np.array(list(WEIGHTS.values()), np.float32)
REFUSED_WEIGHT = 1.0
#: Signals below this share of a slot's strongest are not worth naming as reasons.
REASON_SHARE = 0.25
FRESH_HALF_LIFE_MS = DAY_MS
#: Maximal marginal relevance (Carbonell & Goldstein 1998): likeness above this costs, up to DIVERSITY at 1.
ALIKE = 0.6
DIVERSITY = 0.4
SAME_PICTURE = 0.985
#: The slot (from 0) that is kept for a new item when the list has none: without it nothing is learned of new items.
EXPLORE_SLOT = 9
EXPLORE_FRESHNESS = 0.1
#: Only this many times the list's length of candidates are looked at for diversity.
SHORTLIST = 4


@dataclass(frozen=True, slots=True)
class Ranking:
    """A finished list and its diversity: 1 - mean cosine similarity of neighbouring slots (1 for under two slots)."""

    items: list[RecommendedItem]
    diversity: float


def rank(candidates: Candidates, taste: Taste, catalog: Catalog, *, length: int, now_ms: int) -> Ranking:
    """The best `length` candidates, diverse, with reasons; empty where there are no candidates."""
    vectors = catalog.vectors(candidates.rows)
    signals = _signals(candidates, taste, vectors, catalog, now_ms)
    scores = signals @ _WEIGHTS - REFUSED_WEIGHT * _refused(vectors, taste)
    shortlist = np.argsort(-scores, kind="stable")[: SHORTLIST * length]
    picked = shortlist[_diversify(scores[shortlist], vectors[shortlist], length)]
    picked, explored = _explore(picked, scores, signals, vectors)
    reasons = _reasons(picked, signals, candidates, taste, vectors, catalog, now_ms)
    chosen = vectors[picked]
    steps = np.einsum("nd,nd->n", chosen[1:], chosen[:-1])
    facts = zip(
        candidates.rows[picked].tolist(),
        _rounded(scores[picked]),
        candidates.source[picked].tolist(),
        reasons,
        strict=True,
    )
    items = [
        RecommendedItem(
            item_id=catalog.item_ids[row],
            score=score,
            source=SOURCES[source],
            explore=slot == explored,
            reasons=why,
        )
        for slot, (row, score, source, why) in enumerate(facts)
    ]
    return Ranking(items, 1.0 - float(steps.mean()) if len(steps) else 1.0)


def _signals(
    candidates: Candidates, taste: Taste, vectors: NDArray[np.float32], catalog: Catalog, now_ms: int
) -> NDArray[np.float32]:
    """Float32 [m, 8], the columns in the order of WEIGHTS, each about 0 to 1."""
    rows = candidates.rows
    signals = np.zeros((len(rows), len(WEIGHTS)), np.float32)
    if len(taste.interests.shares):
        strength = 0.6 + 0.4 * taste.interests.shares / taste.interests.shares[0]
        likeness = vectors @ (taste.interests.centres * strength[:, None]).T
        signals[:, _COLUMN["looks_like"]] = np.maximum(likeness.max(axis=1), 0.0)
    signals[:, _COLUMN["chosen_after"]] = candidates.neighbour
    if len(taste.categories):
        codes = catalog.categories[rows]
        signals[:, _COLUMN["same_category"]] = np.where(codes >= 0, taste.categories[codes], 0.0)
    signals[:, _COLUMN["same_colour"]] = catalog.colours[rows] @ taste.colours
    signals[:, _COLUMN["trending"]] = candidates.trend
    signals[:, _COLUMN["popular"]] = candidates.popular
    age = np.maximum(now_ms - catalog.uploaded_ms[rows], 0).astype(np.float32)
    signals[:, _COLUMN["new"]] = np.exp2(age * np.float32(-1 / FRESH_HALF_LIFE_MS))
    if candidates.wishes is not None:
        signals[:, _COLUMN["you_asked"]] = candidates.wishes.weights
    return signals


def _refused(vectors: NDArray[np.float32], taste: Taste) -> NDArray[np.float32]:
    """How much each candidate looks like what the user refused, 0 to 1, from likeness ALIKE upwards."""
    if not len(taste.refused):
        return np.zeros(len(vectors), np.float32)
    nearest: NDArray[np.float32] = (vectors @ taste.refused.T).max(axis=1)
    alike: NDArray[np.float32] = np.maximum(nearest - ALIKE, 0.0) / np.float32(1 - ALIKE)
    return alike


def _diversify(scores: NDArray[np.float32], vectors: NDArray[np.float32], length: int) -> list[int]:
    """Greedily the best next one, less what it repeats; a second copy of one picture is never taken."""
    similarity = vectors @ vectors.T
    repeats = np.maximum(similarity - ALIKE, 0.0) * np.float32(DIVERSITY / (1 - ALIKE))
    repeats[similarity >= SAME_PICTURE] = np.inf
    np.fill_diagonal(repeats, np.inf)
    cost = np.zeros(len(scores), np.float32)
    value = scores.copy()
    picked: list[int] = []
    for _ in range(min(length, len(scores))):
        best = int(value.argmax())
        if value[best] == -np.inf:
            break
        picked.append(best)
        np.maximum(cost, repeats[best], out=cost)
        np.subtract(scores, cost, out=value)
    return picked


def _explore(
    picked: NDArray[np.int64], scores: NDArray[np.float32], signals: NDArray[np.float32], vectors: NDArray[np.float32]
) -> tuple[NDArray[np.int64], int | None]:
    """Put the best new item that nobody knows yet into its slot; the list and the slot, None where not needed."""
    new = (signals[:, _COLUMN["new"]] >= EXPLORE_FRESHNESS) & (signals[:, _COLUMN["popular"]] == 0)
    if len(picked) <= EXPLORE_SLOT or not new.any() or new[picked].any():
        return picked, None
    unknown = np.flatnonzero(new)
    unknown = unknown[(vectors[unknown] @ vectors[picked].T).max(axis=1) < SAME_PICTURE]
    if not len(unknown):
        return picked, None
    explored = picked.copy()
    explored[EXPLORE_SLOT + 1 :] = picked[EXPLORE_SLOT:-1]
    explored[EXPLORE_SLOT] = unknown[scores[unknown].argmax()]
    return explored, EXPLORE_SLOT


def _reasons(
    picked: NDArray[np.int64],
    signals: NDArray[np.float32],
    candidates: Candidates,
    taste: Taste,
    vectors: NDArray[np.float32],
    catalog: Catalog,
    now_ms: int,
) -> list[list[Reason]]:
    """For each slot the signals that carry its score, the strongest first, with their evidence."""
    rows = candidates.rows[picked]
    shares = signals[picked] * _WEIGHTS
    named = (shares > 0) & (shares >= REASON_SHARE * shares.max(axis=1, keepdims=True))
    order = np.argsort(-shares, axis=1, kind="stable")
    likeness = vectors[picked] @ taste.vectors.T if len(taste.rows) else np.zeros((len(picked), 1), np.float32)
    evidence = _Evidence(
        strengths=_rounded(signals[picked]),
        nearest=taste.rows[likeness.argmax(axis=1)].tolist() if len(taste.rows) else [],
        similarity=_rounded(likeness.max(axis=1)),
        before=candidates.neighbour_of[picked].tolist(),
        categories=catalog.categories[rows].tolist(),
        colours=(catalog.colours[rows] * taste.colours).argmax(axis=1).tolist(),
        ages_ms=np.maximum(now_ms - catalog.uploaded_ms[rows], 0).tolist(),
        items=rows.tolist(),
        named_by=[] if candidates.wishes is None else candidates.wishes.named_by[picked].tolist(),
    )
    slots, places = np.nonzero(np.take_along_axis(named, order, axis=1))
    reasons: list[list[Reason]] = [[] for _ in rows]
    for slot, column in zip(slots.tolist(), order[slots, places].tolist(), strict=True):
        reasons[slot].append(_reason(column, slot, evidence, catalog))
    return [found or [Reason(code="new", age_ms=evidence.ages_ms[slot])] for slot, found in enumerate(reasons)]


def _rounded(values: NDArray[np.float32]) -> Any:
    """The values as Python's floats with the four decimals that stand on the wire."""
    return values.astype(np.float64).round(4).tolist()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the reasons of a list rest on, slot by slot."""

    strengths: list[list[float]]
    nearest: list[int]
    similarity: list[float]
    before: list[int]
    categories: list[int]
    colours: list[int]
    ages_ms: list[int]
    items: list[int]
    named_by: list[int]


def _reason(column: int, slot: int, evidence: _Evidence, catalog: Catalog) -> Reason:
    name, strength = _NAMES[column], evidence.strengths[slot][column]
    match name:
        case "looks_like":
            nearest = catalog.item_ids[evidence.nearest[slot]]
            return Reason(code=name, item_id=nearest, similarity=evidence.similarity[slot])
        case "chosen_after":
            return Reason(code=name, item_id=catalog.item_ids[evidence.before[slot]], strength=strength)
        case "same_category":
            category = catalog.category_names[evidence.categories[slot]]
            return Reason(code=name, category=category, strength=strength)
        case "same_colour":
            return Reason(code=name, colour=COLOUR_NAMES[evidence.colours[slot]], strength=strength)
        case "new":
            return Reason(code=name, age_ms=evidence.ages_ms[slot])
        case "you_asked":
            return _wish(slot, strength, evidence, catalog)
        case _:
            return Reason(code=name, strength=strength)


def _wish(slot: int, strength: float, evidence: _Evidence, catalog: Catalog) -> Reason:
    """The dial, with the name that it was given by; an owner stays without one."""
    match NAMED_BY[evidence.named_by[slot]]:
        case "category":
            category = catalog.category_names[evidence.categories[slot]]
            return Reason(code="you_asked", category=category, strength=strength)
        case "item":
            return Reason(code="you_asked", item_id=catalog.item_ids[evidence.items[slot]], strength=strength)
        case _:
            return Reason(code="you_asked", strength=strength)


def rank_similar(
    query: NDArray[np.float32], catalog: Catalog, *, length: int, now_ms: int, owner: int | None = None
) -> list[RecommendedItem]:
    """The items that look most like a picture's embedding [dimensions]; not the `owner`'s own."""
    rows, similarities = catalog.search(query[None], 2 * length)
    found = zip(rows[0].tolist(), similarities[0].tolist(), strict=True)
    return [
        RecommendedItem(
            item_id=catalog.item_ids[row],
            score=round(similarity, 4),
            source="visual",
            explore=False,
            reasons=[Reason(code="looks_like", similarity=round(similarity, 4))],
        )
        for row, similarity in found
        if row >= 0 and catalog.expires_ms[row] > now_ms and catalog.owners[row] != owner
    ][:length]
