"""From scored candidates to a diverse list: no picture twice, little that repeats, and not too much of one kind.

Everything here is compiled, and works on one user's candidates.
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from inference.catalog.copies import SAME_PICTURE, have_same_hashes
from inference.ranking.rules import has_room

#: Maximal marginal relevance (Carbonell & Goldstein 1998): likeness above ALIKE costs, up to DIVERSITY at likeness 1.
ALIKE = 0.6
DIVERSITY = 0.4
#: Candidates that are compared for diversity: this many times the length of the list, and more where they are copies.
SHORTLIST = 3
_LONGER = 4


@compiled
def pick(
    halves: NDArray[np.uint16],
    hashes: NDArray[np.uint64],
    rows: NDArray[np.int64],
    scores: NDArray[np.float32],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    category_cap: int,
    owner_cap: int,
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> None:
    """Fill one user's list from the candidates `rows` [n]: `picked` [l] of them, -1 pads, and their vectors `shown`.

    `scores` [n] are those of the candidates; `halves`, `hashes`, `categories` and `owners` are columns of the
    catalogue. The caps hold as long as there is anything else.
    """
    length, count = len(picked), SHORTLIST * len(picked)
    _pick_diverse(
        halves, hashes, rows, best(scores, count), scores, categories, owners, category_cap, owner_cap, picked, shown
    )
    while picked[-1] < 0 and count < len(rows):
        count *= _LONGER
        picked[:] = -1
        top = best(scores, count)
        _pick_diverse(halves, hashes, rows, top, scores, categories, owners, category_cap, owner_cap, picked, shown)
    if picked[-1] < 0 and min(category_cap, owner_cap) < length:
        every = np.arange(len(rows))
        _pick_diverse(halves, hashes, rows, every, scores, categories, owners, length + 1, length + 1, picked, shown)


@compiled
def best(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """The places of the top `count` scores, in the order of the input; of equal scores the earlier stay."""
    if len(scores) <= count:
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    equals = count - (scores > least).sum()
    top = np.empty(count, np.int64)
    found = 0
    for place in range(len(scores)):
        if scores[place] > least or (scores[place] == least and equals > 0):
            equals -= scores[place] == least
            top[found] = place
            found += 1
    return top[:found]


@compiled
def _pick_diverse(
    halves: NDArray[np.uint16],
    hashes: NDArray[np.uint64],
    rows: NDArray[np.int64],
    shortlist: NDArray[np.int64],
    scores: NDArray[np.float32],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    category_cap: int,
    owner_cap: int,
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> None:
    """Fill the empty slots, one after the other, with the best of the `shortlist`, less what it repeats.

    Never with a second copy of a picture. As the list grows a candidate's worth only falls, so that only the one that
    looks best is compared with the slots filled since (Minoux 1978, "Accelerated greedy algorithms").
    """
    worth, cost = scores[shortlist], np.zeros(len(shortlist), np.float32)
    compared = np.zeros(len(shortlist), np.int64)
    vectors = np.empty((len(shortlist), halves.shape[1]), np.float32)
    for place in range(len(shortlist)):
        widen(halves[rows[shortlist[place]]], vectors[place])
    slot = 0
    while slot < len(picked) and picked[slot] >= 0:
        worth[np.searchsorted(shortlist, picked[slot])] = -np.inf
        slot += 1
    is_capped = min(category_cap, owner_cap) < len(picked)
    while slot < len(picked) and len(shortlist):
        top = worth.argmax()
        while compared[top] < slot and worth[top] > -np.inf:
            for earlier in range(compared[top], slot):
                cost[top] = max(cost[top], repetition(dot(vectors[top], shown[earlier])))
                if have_same_hashes(hashes, rows[shortlist[top]], rows[picked[earlier]]):
                    cost[top] = np.inf
            worth[top] = scores[shortlist[top]] - cost[top]
            compared[top] = slot
            top = worth.argmax()
        if worth[top] == -np.inf:
            break
        worth[top], row = -np.inf, rows[shortlist[top]]
        # A kind without room has none later in this list either.
        if not is_capped or has_room(row, rows[picked[:slot]], categories, owners, category_cap, owner_cap):
            picked[slot], shown[slot] = shortlist[top], vectors[top]
            slot += 1


@compiled
def repetition(similarity: np.float32) -> np.float32:
    """What likeness to an earlier slot takes from a candidate's worth, if above 0; infinite for the same picture."""
    return np.float32(np.inf if similarity >= SAME_PICTURE else (similarity - ALIKE) * (DIVERSITY / (1 - ALIKE)))


@compiled
def diversities(picked: NDArray[np.int64], vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """1 - the mean similarity of neighbouring slots of each list [u, l] with vectors [u, l, d], both with pictures.

    1 for a list without such neighbours.
    """
    found = np.ones(len(picked))
    for user in range(len(picked)):
        alike, pairs = 0.0, 0
        for slot in range((picked[user] >= 0).sum() - 1):
            one, other = vectors[user, slot], vectors[user, slot + 1]
            # What has no picture has a vector of zeros, and differs from nothing.
            if one.any() and other.any():
                alike += float(dot(one, other))
                pairs += 1
        found[user] -= alike / max(pairs, 1)
    return found
