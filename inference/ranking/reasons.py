"""Why each slot of a list is there: the signals that carry its score, the strongest first, with their evidence."""

from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from features.recommendation import Reason, ReasonCode
from features.vision.colours import COLOUR_NAMES, naming_weights
from inference.catalog.catalog import Catalog
from inference.catalog.facts.attributes import Columns
from inference.catalog.facts.currencies import currency_name
from inference.ranking.affinity.attributes import strongest_attribute
from inference.ranking.affinity.prices import budget_of
from inference.ranking.weights import (
    CHOSEN_AFTER,
    CHOSEN_BY_SIMILAR,
    CODES,
    FOLLOWING,
    GOES_WITH,
    LOOKS_LIKE,
    NEW,
    SAME_ATTRIBUTE,
    SAME_CATEGORY,
    SAME_COLOUR,
    SAME_TAG,
    TRAINED,
)
from inference.retrieval.candidates import Candidates
from inference.retrieval.preferences import NAMED_BY
from inference.retrieval.query import Query

#: A signal is named as a reason from this share of the slot's strongest signal on.
REASON_SHARE = 0.25
_NAMING = naming_weights()
#: The place of each signal among those that follow from an item of the user, or -1.
_ORIGIN_OF = np.array([FOLLOWING.index(code) if code in FOLLOWING else -1 for code in range(len(CODES))])


def find_reasons(
    picked: NDArray[np.int64],
    vectors: NDArray[np.float32],
    signals: NDArray[np.float32],
    contributions: NDArray[np.float32],
    query: Query,
    candidates: Candidates,
) -> list[list[Reason]]:
    """The reasons of each filled slot, one list after the other, of the lists `picked` int64 [u, l], -1 for no item.

    `vectors` float32 [u, l, d] are those of the slots, `signals` float32 [signals, m] those of the
    candidates, `contributions` float32 [signals, s] what each signal adds to the scores of the s filled slots.
    """
    catalog, tastes = query.catalog, query.tastes
    ends, codes, about, strengths = _evidence(
        picked,
        vectors,
        signals,
        contributions,
        candidates.rows,
        _origins(picked, query, candidates),
        tastes.rows,
        tastes.vectors,
        tastes.weights,
        tastes.colours,
        catalog.colours.halves,
        catalog.attributes.columns,
        catalog.tags.columns,
        catalog.categories,
        catalog.uploaded_ms,
        query.now_ms,
    )
    evidence = zip(codes.tolist(), about.tolist(), rounded(strengths), strict=True)
    budget = cache(partial(_budget, query))
    reasons = [_reason(CODES[code], each, strength, candidates, catalog, budget) for code, each, strength in evidence]
    return [reasons[start:end] for start, end in pairwise([0, *ends.tolist()])]


def _origins(picked: NDArray[np.int64], query: Query, candidates: Candidates) -> NDArray[np.int64]:
    """The rows of the users' items from which the s filled slots follow, by signal of FOLLOWING [f], int64 [f, s]."""
    chosen = picked[picked >= 0]
    origins = np.full((len(FOLLOWING), len(chosen)), -1)
    origins[_ORIGIN_OF[CHOSEN_AFTER]] = candidates.origins.take(chosen)
    origins[_ORIGIN_OF[CHOSEN_BY_SIMILAR]] = candidates.session_origins.take(chosen)
    origins[_ORIGIN_OF[GOES_WITH]] = candidates.cross_origins.take(chosen)
    users, rows = candidates.users.take(chosen), candidates.rows.take(chosen)
    for source, judgement in query.trained.items():
        origins[_ORIGIN_OF[TRAINED[source]]] = judgement.origins(users, rows)
    return origins


def rounded(values: NDArray[np.floating] | np.floating) -> Any:
    """The values as Python floats, with four decimals as on the wire."""
    return values.astype(np.float64).round(4).tolist()


@compiled
def _evidence(
    picked: NDArray[np.int64],
    vectors: NDArray[np.float32],
    signals: NDArray[np.float32],
    contributions: NDArray[np.float32],
    rows: NDArray[np.int64],
    origins: NDArray[np.int64],
    engaged: NDArray[np.int64],
    engaged_vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    taste_colours: NDArray[np.float32],
    colours: NDArray[np.uint16],
    attributes: Columns,
    tags: Columns,
    categories: NDArray[np.int32],
    uploaded_ms: NDArray[np.int64],
    now_ms: int,
) -> tuple[NDArray[np.int64], NDArray[np.int8], NDArray[np.int64], NDArray[np.float32]]:
    """What speaks for each of s slots, the strongest first: r reasons, those of each slot up to an end [s].

    `origins` int64 [f, s] are those of the signals FOLLOWING. A reason has the number of its signal [r], what it is
    about [r] (a row of the catalogue, a category, a colour, an attribute, a tag, an age, or the candidate) and its
    strength [r].
    """
    users, length = picked.shape
    ends = np.empty(users * length, np.int64)
    codes = np.empty(users * length * len(signals), np.int8)
    about, strengths = np.empty(len(codes), np.int64), np.empty(len(codes), np.float32)
    look = np.empty(colours.shape[1], np.float32)
    slots = count = 0
    for user in range(users):
        for slot in range(length):
            candidate = picked[user, slot]
            if candidate < 0:
                break
            # What is not there is no reason, whatever a ranker makes of that.
            shares = np.where(signals[:, candidate] > 0, contributions[:, slots], np.float32(0))
            strongest = shares.max()
            # Where no signal speaks for a slot, it is there because it is new.
            code = shares.argmax() if strongest > 0 else NEW
            while True:
                codes[count], about[count], strengths[count] = code, candidate, signals[code, candidate]
                if code == LOOKS_LIKE:
                    about[count], strengths[count] = _nearest(engaged[user], engaged_vectors[user], vectors[user, slot])
                elif _ORIGIN_OF[code] >= 0:
                    about[count] = origins[_ORIGIN_OF[code], slots]
                elif code == SAME_CATEGORY:
                    about[count] = categories[rows[candidate]]
                elif code == SAME_COLOUR:
                    widen(colours[rows[candidate]], look)
                    about[count] = (look * taste_colours[user] * _NAMING).argmax()
                elif code in (SAME_ATTRIBUTE, SAME_TAG):
                    pairs = attributes if code == SAME_ATTRIBUTE else tags
                    about[count] = strongest_attribute(rows[candidate], engaged[user], weights[user], *pairs)
                elif code == NEW:
                    about[count] = max(now_ms - uploaded_ms[rows[candidate]], 0)
                count += 1
                shares[code] = -1
                code = shares.argmax()
                if shares[code] <= 0 or shares[code] < REASON_SHARE * strongest:
                    break
            ends[slots] = count
            slots += 1
    return ends[:slots], codes[:count], about[:count], strengths[:count]


@compiled
def _nearest(
    rows: NDArray[np.int64], vectors: NDArray[np.float32], vector: NDArray[np.float32]
) -> tuple[int, np.float32]:
    """The row of `rows` [n], -1 for none, whose vector [n, d] is most similar to a vector [d], and the similarity."""
    nearest, most = -1, np.float32(-2)
    for place in range(len(rows)):
        if rows[place] >= 0:
            alike = dot(vectors[place], vector)
            if alike > most:
                nearest, most = rows[place], alike
    return nearest, most


def _reason(
    code: ReasonCode,
    about: int,
    strength: float,
    candidates: Candidates,
    catalog: Catalog,
    budget: Callable[[int], tuple[float, str | None]],
) -> Reason:
    match code:
        case "looks_like":
            return Reason(code=code, item_id=catalog.item_ids[about], similarity=strength)
        case "chosen_after" | "chosen_by_similar" | "suits_taste" | "likely_next" | "goes_with":
            return Reason(code=code, item_id=catalog.item_ids[about], strength=strength)
        case "same_category":
            return Reason(code=code, category=catalog.category_names[about], strength=strength)
        case "same_colour":
            return Reason(code=code, colour=COLOUR_NAMES[about], strength=strength)
        case "same_attribute":
            key, value = catalog.attributes.names[about]
            return Reason(code=code, attribute=key, value=value, strength=strength)
        case "same_tag":
            return Reason(code=code, tag=catalog.tags.names[about][0], strength=strength)
        case "within_budget":
            price, currency = budget(int(candidates.users[about]))
            return Reason(code=code, price=price, currency=currency, strength=strength)
        case "new":
            return Reason(code=code, age_ms=about)
        case "you_asked":
            return _you_asked(about, strength, candidates, catalog)
        case _:
            return Reason(code=code, strength=strength)


def _budget(query: Query, user: int) -> tuple[float, str | None]:
    """The price that a user's items have in the middle (their geometric mean), and its currency."""
    tastes, catalog = query.tastes, query.catalog
    mean, _, currency = budget_of(tastes.rows[user], tastes.weights[user], catalog.prices, catalog.currencies)
    return float(f"{np.exp(mean):.4g}"), currency_name(currency)


def _you_asked(candidate: int, strength: float, candidates: Candidates, catalog: Catalog) -> Reason:
    """A dial with the name that it was set by, unless that is an owner."""
    row = candidates.rows[candidate]
    match NAMED_BY[candidates.wishes.named_by[candidate]]:
        case "category":
            return Reason(code="you_asked", category=catalog.category_names[catalog.categories[row]], strength=strength)
        case "item":
            return Reason(code="you_asked", item_id=catalog.item_ids[row], strength=strength)
        case _:
            return Reason(code="you_asked", strength=strength)
