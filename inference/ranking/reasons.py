"""Why each slot of a list is there: the signals that carry its score, the strongest first, with their evidence."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from features.recommendation import Reason, ReasonCode
from features.vision.colours import COLOUR_NAMES
from inference.catalog.catalog import Catalog
from inference.retrieval.candidates import Candidates
from inference.retrieval.preferences import NAMED_BY
from inference.retrieval.tastes import Tastes

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
LOOKS_LIKE, CHOSEN_AFTER, SAME_CATEGORY, SAME_COLOUR, TRENDING, POPULAR, NEW, YOU_ASKED = range(len(WEIGHTS))
SCORE_WEIGHTS = np.array(list(WEIGHTS.values()), np.float32)
#: Signals below this share of a slot's strongest are not worth naming as reasons.
REASON_SHARE = 0.25
_CODES: tuple[ReasonCode, ...] = tuple(WEIGHTS)


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
    ends, codes, about, strengths = _evidence(
        picked,
        vectors,
        signals,
        candidates.rows,
        candidates.neighbour_of,
        tastes.rows,
        tastes.vectors,
        tastes.colours,
        catalog.colours.halves,
        catalog.categories,
        catalog.uploaded_ms,
        now_ms,
    )
    told = zip(codes.tolist(), about.tolist(), rounded(strengths), strict=True)
    reasons = [_reason(_CODES[code], each, strength, candidates, catalog) for code, each, strength in told]
    return [reasons[start:end] for start, end in pairwise([0, *ends.tolist()])]


def rounded(values: NDArray[np.floating]) -> Any:
    """The values as Python's floats with the four decimals that stand on the wire."""
    return values.astype(np.float64).round(4).tolist()


@compiled
def _evidence(
    picked: NDArray[np.int64],
    vectors: NDArray[np.float32],
    signals: NDArray[np.float32],
    rows: NDArray[np.int64],
    neighbour_of: NDArray[np.int64],
    engaged: NDArray[np.int64],
    engaged_vectors: NDArray[np.float32],
    taste_colours: NDArray[np.float32],
    colours: NDArray[np.uint16],
    categories: NDArray[np.int32],
    uploaded_ms: NDArray[np.int64],
    now_ms: int,
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int64], NDArray[np.float32]]:
    """What speaks for each slot, the strongest first.

    Where the reasons of each slot end [s], and of each reason [r] its code (as in WEIGHTS), what it is about (a row of
    the catalogue, a category, a colour, an age, or the candidate) and its strength.
    """
    users, length = picked.shape
    ends = np.empty(users * length, np.int64)
    codes = np.empty(users * length * len(SCORE_WEIGHTS), np.int8)
    about = np.empty(len(codes), np.int64)
    strengths = np.empty(len(codes), np.float32)
    look = np.empty(colours.shape[1], np.float32)
    slots = told = 0
    for user in range(users):
        for slot in range(length):
            candidate = picked[user, slot]
            if candidate < 0:
                break
            shares = signals[:, candidate] * SCORE_WEIGHTS
            strongest = shares.max()
            # A slot that nothing speaks for is there because it is new.
            code = shares.argmax() if strongest > 0 else NEW
            while True:
                codes[told], about[told], strengths[told] = code, candidate, signals[code, candidate]
                if code == LOOKS_LIKE:
                    about[told], strengths[told] = _nearest(engaged[user], engaged_vectors[user], vectors[user, slot])
                elif code == CHOSEN_AFTER:
                    about[told] = neighbour_of[candidate]
                elif code == SAME_CATEGORY:
                    about[told] = categories[rows[candidate]]
                elif code == SAME_COLOUR:
                    widen(colours[rows[candidate]], look)
                    about[told] = (look * taste_colours[user]).argmax()
                elif code == NEW:
                    about[told] = max(now_ms - uploaded_ms[rows[candidate]], 0)
                told += 1
                shares[code] = -1
                code = shares.argmax()
                if shares[code] <= 0 or shares[code] < REASON_SHARE * strongest:
                    break
            ends[slots] = told
            slots += 1
    return ends[:slots], codes[:told], about[:told], strengths[:told]


@compiled
def _nearest(
    rows: NDArray[np.int64], vectors: NDArray[np.float32], vector: NDArray[np.float32]
) -> tuple[int, np.float32]:
    """Of rows [n], -1 none, with their vectors [n, d] the one that looks most like a vector [d], and how much."""
    nearest, most = -1, np.float32(-2)
    for place in range(len(rows)):
        if rows[place] >= 0:
            alike = dot(vectors[place], vector)
            if alike > most:
                nearest, most = rows[place], alike
    return nearest, most


def _reason(code: ReasonCode, about: int, strength: float, candidates: Candidates, catalog: Catalog) -> Reason:
    match code:
        case "looks_like":
            return Reason(code=code, item_id=catalog.item_ids[about], similarity=strength)
        case "chosen_after":
            return Reason(code=code, item_id=catalog.item_ids[about], strength=strength)
        case "same_category":
            return Reason(code=code, category=catalog.category_names[about], strength=strength)
        case "same_colour":
            return Reason(code=code, colour=COLOUR_NAMES[about], strength=strength)
        case "new":
            return Reason(code=code, age_ms=about)
        case "you_asked":
            return _you_asked(about, strength, candidates, catalog)
        case _:
            return Reason(code=code, strength=strength)


def _you_asked(candidate: int, strength: float, candidates: Candidates, catalog: Catalog) -> Reason:
    """A dial, with the name that it was given by; an owner stays without one."""
    row = candidates.rows[candidate]
    match NAMED_BY[candidates.wishes.named_by[candidate]]:
        case "category":
            return Reason(code="you_asked", category=catalog.category_names[catalog.categories[row]], strength=strength)
        case "item":
            return Reason(code="you_asked", item_id=catalog.item_ids[row], strength=strength)
        case _:
            return Reason(code="you_asked", strength=strength)
