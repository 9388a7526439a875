"""Why each slot of a list is there: the signals that carry its score, the strongest first, with their evidence."""

from dataclasses import dataclass
from itertools import pairwise
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
    shares = signals[:, chosen].T * SCORE_WEIGHTS
    order = np.argsort(-shares, axis=1, kind="stable")
    ordered = np.take_along_axis(shares, order, axis=1)
    named = (ordered > 0) & (ordered >= REASON_SHARE * ordered[:, :1])
    # A slot that nothing speaks for is there because it is new.
    order[~named[:, 0], 0] = PLACE["new"]
    named[:, 0] = True
    lines, places = np.nonzero(named)
    columns = order[lines, places]
    reasons = np.empty(len(lines), object)
    for name, column in PLACE.items():
        # All of one kind together: what is looked up for one slot costs as much as for all.
        (told,) = np.nonzero(columns == column)
        if len(told):
            line = lines[told]
            evidence = _Evidence(users[line], slots[line], chosen[line], signals[column, chosen[line]], candidates)
            reasons[told] = _reasons(name, evidence, vectors, tastes, catalog, now_ms)
    ends = np.cumsum(named.sum(axis=1)).tolist()
    flat = reasons.tolist()
    return [flat[start:end] for start, end in pairwise([0, *ends])]


def rounded(values: NDArray[np.floating]) -> Any:
    """The values as Python's floats with the four decimals that stand on the wire."""
    return values.astype(np.float64).round(4).tolist()


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Slots [n] that have the same reason: whose they are, where in the list, which candidates, how strongly."""

    users: NDArray[np.int64]
    slots: NDArray[np.int64]
    chosen: NDArray[np.int64]
    strengths: NDArray[np.float32]
    candidates: Candidates

    @property
    def rows(self) -> NDArray[np.int64]:
        return self.candidates.rows[self.chosen]


def _reasons(
    name: ReasonCode,
    evidence: _Evidence,
    vectors: NDArray[np.float32],
    tastes: Tastes,
    catalog: Catalog,
    now_ms: int,
) -> list[Reason]:
    """One reason a slot, all of the same name."""
    strengths = rounded(evidence.strengths)
    match name:
        case "looks_like":
            return _looks_like(evidence, vectors, tastes, catalog)
        case "chosen_after":
            before = evidence.candidates.neighbour_of[evidence.chosen]
            named = [catalog.item_ids[row] for row in before.tolist()]
            return [Reason(code=name, item_id=item, strength=each) for item, each in zip(named, strengths, strict=True)]
        case "same_category":
            named = [catalog.category_names[code] for code in catalog.categories[evidence.rows].tolist()]
            return [
                Reason(code=name, category=each, strength=much) for each, much in zip(named, strengths, strict=True)
            ]
        case "same_colour":
            common = (catalog.colours[evidence.rows] * tastes.colours[evidence.users]).argmax(axis=1)
            named = [COLOUR_NAMES[colour] for colour in common.tolist()]
            return [Reason(code=name, colour=each, strength=much) for each, much in zip(named, strengths, strict=True)]
        case "new":
            ages_ms = np.maximum(now_ms - catalog.uploaded_ms[evidence.rows], 0)
            return [Reason(code=name, age_ms=age_ms) for age_ms in ages_ms.tolist()]
        case "you_asked":
            return _you_asked(evidence, strengths, catalog)
        case _:
            return [Reason(code=name, strength=strength) for strength in strengths]


def _looks_like(evidence: _Evidence, vectors: NDArray[np.float32], tastes: Tastes, catalog: Catalog) -> list[Reason]:
    """The engaged item that each slot's item looks like most, and how much."""
    likeness = vectors @ tastes.vectors.transpose(0, 2, 1)
    likeness += np.where(tastes.rows < 0, np.float32(-4.0), np.float32(0.0))[:, None]
    likeness = likeness[evidence.users, evidence.slots]
    rows = tastes.rows[evidence.users, likeness.argmax(axis=1)].tolist()
    return [
        Reason(code="looks_like", item_id=catalog.item_ids[row], similarity=similarity)
        for row, similarity in zip(rows, rounded(likeness.max(axis=1)), strict=True)
    ]


def _you_asked(evidence: _Evidence, strengths: list[float], catalog: Catalog) -> list[Reason]:
    """The dials, with the names that they were given by; an owner stays without one."""
    rows = evidence.rows
    by = evidence.candidates.wishes.named_by[evidence.chosen].tolist()
    reasons = []
    for row, category, named_by, strength in zip(
        rows.tolist(), catalog.categories[rows].tolist(), by, strengths, strict=True
    ):
        match NAMED_BY[named_by]:
            case "category":
                about = {"category": catalog.category_names[category]}
            case "item":
                about = {"item_id": catalog.item_ids[row]}
            case _:
                about = {}
        reasons.append(Reason(code="you_asked", strength=strength, **about))
    return reasons
