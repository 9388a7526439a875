"""Gives slots of finished lists to newcomers: of those that suit the user, the one whose rate is drawn highest.

That is Thompson sampling (Thompson 1933; Chapelle & Li 2011) with draws that a hash of the user, of the number of the
user's events and of the item decides: whoever makes the list of a profile draws the same.
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from inference.catalog.copies import SAME_PICTURE, have_same_hashes
from inference.exploration.draws import beta_draw, mixed
from inference.ranking.rules import ListRules, has_room
from inference.ranking.weights import NEW
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query

#: What has a weaker signal `new` is too old to be explored: 3 days and a third.
FRESHNESS = 0.1
#: The newcomers with the best scores, among which the draw decides.
DRAWN = 8


def explore(
    query: Query,
    candidates: Candidates,
    rules: ListRules,
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Put newcomers into lists, `picked` int64 [u, l] with the vectors `shown` [u, l, d]: which slots have one, [u, l].

    A list that has newcomers by their scores explores in fewer slots.
    """
    explored, slots = np.zeros(picked.shape, np.bool_), rules.explore_slots(picked.shape[1])
    catalog, newcomers = query.catalog, query.newcomers
    if len(slots) and len(newcomers.rows):
        _explore(
            catalog.pictures.halves,
            catalog.hashes,
            catalog.keys,
            catalog.categories,
            catalog.owners,
            candidates.rows,
            candidates.bounds,
            signals[NEW],
            scores,
            newcomers.rows,
            newcomers.wins,
            newcomers.misses,
            np.array(query.users, np.uint64),
            np.array([profile.count for profile in query.profiles], np.uint64),
            slots,
            *rules.caps(picked.shape[1]),
            picked,
            shown,
            explored,
        )
    return explored


@compiled
def _explore(
    halves: NDArray[np.uint16],
    hashes: NDArray[np.uint64],
    keys: NDArray[np.uint64],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    news: NDArray[np.float32],
    scores: NDArray[np.float32],
    newcomers: NDArray[np.int64],
    wins: NDArray[np.float64],
    misses: NDArray[np.float64],
    users: NDArray[np.uint64],
    counts: NDArray[np.uint64],
    slots: NDArray[np.int64],
    category_cap: int,
    owner_cap: int,
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
    explored: NDArray[np.bool_],
) -> None:
    vector = np.empty(halves.shape[1], np.float32)
    for user in range(len(users)):
        start, end = bounds[user], bounds[user + 1]
        places, known = _places(newcomers, rows, news, start, end, picked[user])
        if known >= len(slots) or not len(places):
            continue
        seed = mixed(users[user] ^ mixed(counts[user]))
        for number in _by_draw(places, newcomers, rows, scores, wins, misses, keys, seed):
            filled = explored[user].sum()
            if known + filled >= len(slots) or picked[user, -1] < 0:
                break
            slot, row = slots[filled], rows[number]
            widen(halves[row], vector)
            # The last slot goes, and all are filled.
            taken = rows[picked[user, :-1]]
            is_shown = _is_shown(vector, shown[user]) or _is_copied(row, rows[picked[user]], hashes)
            if not is_shown and has_room(row, taken, categories, owners, category_cap, owner_cap):
                for later in range(picked.shape[1] - 1, slot, -1):
                    picked[user, later], shown[user, later] = picked[user, later - 1], shown[user, later - 1]
                picked[user, slot], shown[user, slot], explored[user, slot] = number, vector, True


@compiled
def _places(
    newcomers: NDArray[np.int64],
    rows: NDArray[np.int64],
    news: NDArray[np.float32],
    start: int,
    end: int,
    picked: NDArray[np.int64],
) -> tuple[NDArray[np.int64], int]:
    """The newcomers among a user's candidates that the list lacks, as places of `rows`; and how many the list has."""
    places, count, known = np.empty(len(newcomers), np.int64), 0, 0
    number = 0
    for place in range(start, end):
        while number < len(newcomers) and newcomers[number] < rows[place]:
            number += 1
        if number < len(newcomers) and newcomers[number] == rows[place] and news[place] >= FRESHNESS:
            is_picked = False
            for other in picked:
                is_picked |= other == place
            known += is_picked
            places[count] = place
            count += not is_picked
    return places[:count], known


@compiled
def _by_draw(
    places: NDArray[np.int64],
    newcomers: NDArray[np.int64],
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    wins: NDArray[np.float64],
    misses: NDArray[np.float64],
    keys: NDArray[np.uint64],
    seed: np.uint64,
) -> NDArray[np.int64]:
    """The DRAWN places with the best scores, those with the highest draws first."""
    best = places[np.argsort(-scores[places], kind="mergesort")[:DRAWN]]
    draws = np.empty(len(best))
    for place in range(len(best)):
        row = rows[best[place]]
        number = np.searchsorted(newcomers, row)
        draws[place] = beta_draw(wins[number], misses[number], seed ^ keys[row])
    return best[np.argsort(-draws, kind="mergesort")]


@compiled
def _is_shown(vector: NDArray[np.float32], shown: NDArray[np.float32]) -> bool:
    """Whether a full list has this picture, by the vectors of its slots."""
    found = False
    for slot in range(len(shown)):
        found |= bool(dot(shown[slot], vector) >= SAME_PICTURE)
    return found


@compiled
def _is_copied(row: int, taken: NDArray[np.int64], hashes: NDArray[np.uint64]) -> bool:
    """Whether one of the rows `taken` has the hashes of this one."""
    found = False
    for other in taken:
        found |= have_same_hashes(hashes, row, other)
    return found
