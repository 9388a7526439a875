"""Why each slot of a list is there: the signals that carry its score, the strongest first, with their evidence."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.recommendation import Reason, ReasonCode
from features.visual import COLOUR_NAMES
from inference.candidates import Candidates
from inference.catalog import Catalog
from inference.dials import NAMED_BY
from inference.tastes import Tastes

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
#: Where each signal stands among them.
PLACE = {name: place for place, name in enumerate(WEIGHTS)}
SCORE_WEIGHTS = np.array(list(WEIGHTS.values()), np.float32)
#: Signals below this share of a slot's strongest are not worth naming as reasons.
REASON_SHARE = 0.25


def find_reasons(
    picked: NDArray[np.int64],
    vectors: NDArray[np.float32],
    signals: NDArray[np.float32],
    candidates: Candidates,
    tastes: Tastes,
    catalog: Catalog,
    now_ms: int,
) -> list[list[Reason]]:
    """The reasons of each slot of the lists `picked` int64 [u, l], -1 none, with their `vectors` [u, l, d].

    Of one list after the other, without those that have no item; `signals` [8, m] of the candidates, as in WEIGHTS.
    """
    users, slots = np.nonzero(picked >= 0)
    chosen = picked[users, slots]
    rows = candidates.rows[chosen]
    shares = signals[:, chosen].T * SCORE_WEIGHTS
    order = np.argsort(-shares, axis=1, kind="stable")
    ordered = np.take_along_axis(shares, order, axis=1)
    lines, places = np.nonzero((ordered > 0) & (ordered >= REASON_SHARE * ordered[:, :1]))
    columns = order[lines, places]
    nearest, similarity = _nearest(vectors, tastes)
    evidence = _Evidence(
        nearest=nearest[users, slots].tolist(),
        similarity=rounded(similarity[users, slots]),
        before=candidates.neighbour_of[chosen].tolist(),
        categories=catalog.categories[rows].tolist(),
        colours=(catalog.colours[rows] * tastes.colours[users]).argmax(axis=1).tolist(),
        ages_ms=np.maximum(now_ms - catalog.uploaded_ms[rows], 0).tolist(),
        items=rows.tolist(),
        named_by=candidates.wishes.named_by[chosen].tolist(),
    )
    reasons: list[list[Reason]] = [[] for _ in range(len(rows))]
    strengths = rounded(signals[columns, chosen[lines]])
    for line, column, strength in zip(lines.tolist(), columns.tolist(), strengths, strict=True):
        reasons[line].append(_reason(_NAMES[column], strength, line, evidence, catalog))
    return [found or [Reason(code="new", age_ms=evidence.ages_ms[line])] for line, found in enumerate(reasons)]


def rounded(values: NDArray[np.float32]) -> Any:
    """The values as Python's floats with the four decimals that stand on the wire."""
    return values.astype(np.float64).round(4).tolist()


def _nearest(vectors: NDArray[np.float32], tastes: Tastes) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The engaged row that each slot's item looks like most, and how much: [u, l] both; -1 and 0 where none is."""
    if not tastes.rows.shape[1]:
        return np.full(vectors.shape[:2], -1), np.zeros(vectors.shape[:2], np.float32)
    likeness = vectors @ tastes.vectors.transpose(0, 2, 1)
    likeness += np.where(tastes.rows < 0, np.float32(-4.0), np.float32(0.0))[:, None]
    nearest = likeness.argmax(axis=2)
    return np.take_along_axis(tastes.rows, nearest, axis=1), likeness.max(axis=2)


@dataclass(frozen=True, slots=True)
class _Evidence:
    """What the reasons of a list rest on, slot by slot."""

    nearest: list[int]
    similarity: list[float]
    before: list[int]
    categories: list[int]
    colours: list[int]
    ages_ms: list[int]
    items: list[int]
    named_by: list[int]


def _reason(name: ReasonCode, strength: float, slot: int, evidence: _Evidence, catalog: Catalog) -> Reason:
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
