"""Gives slots of finished lists to what the shop promotes: of the candidates that a promotion names, the best-scored.

A slot that explores moves one further down where a promotion has its slot, and so does everything that earned its own.
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from inference.catalog.copies import SAME_PICTURE, have_same_hashes
from inference.ranking.rules import ListRules, has_room
from inference.retrieval.candidates import Candidates
from inference.retrieval.query import Query
from inference.shop_rules.capping import slots_left

#: Candidates of a promotion that are tried for a slot, the best first: others may be copies, or have no room.
_TRIED = 8


def place_promotions(
    query: Query,
    candidates: Candidates,
    rules: ListRules,
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
    explored: NDArray[np.bool_],
    promoted: NDArray[np.int32],
) -> NDArray[np.bool_]:
    """Put promotions into lists, `picked` int64 [u, l] with the vectors `shown` [u, l, d]: in which slots, [u, l].

    `promoted` int32 [m] gets the rules of the candidates that have these slots. `explored` [u, l] moves along.
    """
    placed, shop, named = np.zeros(picked.shape, np.bool_), query.shop, candidates.promotions
    if shop is None or named is None or not len(shop.promotions.numbers):
        return placed
    _place(
        query.catalog.pictures.halves,
        query.catalog.hashes,
        query.catalog.categories,
        query.catalog.owners,
        candidates.rows,
        candidates.bounds,
        named,
        scores,
        shop.promotions.wanted,
        slots_left(query, shop),
        shop.promotions.numbers,
        *rules.caps(picked.shape[1]),
        picked,
        shown,
        explored,
        placed,
        promoted,
    )
    return placed


@compiled
def _place(
    halves: NDArray[np.uint16],
    hashes: NDArray[np.uint64],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    rows: NDArray[np.int64],
    bounds: NDArray[np.int64],
    named: NDArray[np.uint64],
    scores: NDArray[np.float32],
    slots: NDArray[np.int64],
    mosts: NDArray[np.int64],
    numbers: NDArray[np.int32],
    category_cap: int,
    owner_cap: int,
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
    explored: NDArray[np.bool_],
    placed: NDArray[np.bool_],
    promoted: NDArray[np.int32],
) -> None:
    """`named` uint64 [m] has a bit for each promotion that names a candidate; `slots` [p, l] are those of each.

    `mosts` [u, p] are the most that each user's list may have of them.
    """
    vector, length = np.empty(halves.shape[1], np.float32), picked.shape[1]
    for user in range(len(picked)):
        for promotion in range(len(slots)):
            given, tried = 0, np.zeros(bounds[user + 1] - bounds[user], np.bool_)
            for wanted in slots[promotion]:
                slot = min(wanted, (picked[user] >= 0).sum())
                if wanted < 0 or given >= mosts[user, promotion]:
                    break
                if wanted >= length or placed[user, slot]:
                    continue
                for _ in range(_TRIED):
                    found = _best(named, scores, promotion, bounds[user], tried, picked[user], placed[user], slot)
                    if found < 0:
                        break
                    widen(halves[rows[found]], vector)
                    if not _is_copy(vector, found, rows, hashes, picked[user], shown[user]) and _has_room(
                        found, rows, picked[user], categories, owners, category_cap, owner_cap
                    ):
                        _insert(slot, found, vector, picked[user], shown[user], explored[user], placed[user])
                        promoted[found] = numbers[promotion]
                        given += 1
                        break


@compiled
def _best(
    named: NDArray[np.uint64],
    scores: NDArray[np.float32],
    promotion: int,
    start: int,
    tried: NDArray[np.bool_],
    picked: NDArray[np.int64],
    placed: NDArray[np.bool_],
    slot: int,
) -> int:
    """The best-scored candidate of a promotion that was not tried, and has no slot as good; it is tried now. Or -1."""
    best, most = -1, -np.inf
    for place in range(len(tried)):
        candidate = start + place
        if named[candidate] >> np.uint64(promotion) & np.uint64(1) and not tried[place] and scores[candidate] > most:
            has_slot = False
            for other in range(len(picked)):
                has_slot |= picked[other] == candidate and (other <= slot or placed[other])
            if not has_slot:
                best, most = candidate, scores[candidate]
    if best >= 0:
        tried[best - start] = True
    return best


@compiled
def _has_room(
    candidate: int,
    rows: NDArray[np.int64],
    picked: NDArray[np.int64],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    category_cap: int,
    owner_cap: int,
) -> bool:
    """Whether the caps leave room for a candidate in a list, of which one slot may be its own."""
    if min(category_cap, owner_cap) >= len(picked):
        return True
    others = rows[picked[(picked >= 0) & (picked != candidate)]]
    return bool(has_room(rows[candidate], others, categories, owners, category_cap, owner_cap))


@compiled
def _is_copy(
    vector: NDArray[np.float32],
    candidate: int,
    rows: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> bool:
    """Whether another slot of the list has the picture of a candidate."""
    found = False
    for slot in range(len(picked)):
        if picked[slot] >= 0 and picked[slot] != candidate:
            found |= bool(dot(shown[slot], vector) >= SAME_PICTURE)
            found |= have_same_hashes(hashes, rows[candidate], rows[picked[slot]])
    return found


@compiled
def _insert(
    slot: int,
    candidate: int,
    vector: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
    explored: NDArray[np.bool_],
    placed: NDArray[np.bool_],
) -> None:
    """Put a candidate with its vector into a slot; what is there moves on, to the end or to where the candidate was.

    The vector is that of the last which moved, afterwards.
    """
    for other in range(len(picked)):
        if picked[other] == candidate:
            explored[other] = False
    moved, is_explored, at = candidate, False, slot
    while at < len(picked):
        picked[at], moved = moved, picked[at]
        explored[at], is_explored = is_explored, explored[at]
        for place in range(len(vector)):
            shown[at, place], vector[place] = vector[place], shown[at, place]
        if moved in (-1, candidate):
            break
        at += 1
        while at < len(picked) and (placed[at] or explored[at]):
            at += 1
    placed[slot] = True
