"""From scored candidates to a diverse list: no picture twice, little that repeats, and a slot for a new item.

Everything here is compiled, and works on one user's candidates.
"""

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot, widen
from inference.catalog.copies import SAME_PICTURE
from inference.ranking.weights import NEW, POPULAR

#: Maximal marginal relevance (Carbonell & Goldstein 1998): likeness above ALIKE costs, up to DIVERSITY at likeness 1.
ALIKE = 0.6
DIVERSITY = 0.4
#: The slot (from 0) that is kept for a new item when the list has none: without it nothing is learned of new items.
EXPLORE_SLOT = 9
EXPLORE_FRESHNESS = 0.1
#: Candidates that are compared for diversity: this many times the length of the list, and more where they are copies.
SHORTLIST = 3
_LONGER = 4


@compiled
def pick(
    halves: NDArray[np.uint16],
    rows: NDArray[np.int64],
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> int:
    """Fill one user's list from the candidates `rows` [n]: `picked` [l] of them, -1 pads, and their vectors `shown`.

    `signals` [signals, n] and `scores` [n] are those of the candidates, `halves` the catalogue's vectors. Returns the
    slot that explores, or -1.
    """
    count = SHORTLIST * len(picked)
    knows_new = _pick_diverse(halves, rows, best(scores, count), signals, scores, picked, shown)
    while picked[-1] < 0 and count < len(rows):
        count *= _LONGER
        picked[:] = -1
        knows_new = _pick_diverse(halves, rows, best(scores, count), signals, scores, picked, shown)
    if knows_new or len(picked) <= EXPLORE_SLOT or picked[EXPLORE_SLOT] < 0:
        return -1
    return _explore(halves, rows, signals, scores, picked, shown)


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
    rows: NDArray[np.int64],
    shortlist: NDArray[np.int64],
    signals: NDArray[np.float32],
    scores: NDArray[np.float32],
    picked: NDArray[np.int64],
    shown: NDArray[np.float32],
) -> bool:
    """Take slot by slot the best of the `shortlist`, less what it repeats; never a second copy of a picture.

    As the list grows a candidate's worth only falls, so that only the one that looks best is compared with the slots
    filled since (Minoux 1978, "Accelerated greedy algorithms"). Returns whether the list has a new item.
    """
    worth, cost = scores[shortlist], np.zeros(len(shortlist), np.float32)
    compared = np.zeros(len(shortlist), np.int64)
    vectors = np.empty((len(shortlist), halves.shape[1]), np.float32)
    for place in range(len(shortlist)):
        widen(halves[rows[shortlist[place]]], vectors[place])
    knows_new = False
    for slot in range(min(len(picked), len(shortlist))):
        top = worth.argmax()
        while compared[top] < slot and worth[top] > -np.inf:
            for earlier in range(compared[top], slot):
                cost[top] = max(cost[top], repetition(dot(vectors[top], shown[earlier])))
            worth[top] = scores[shortlist[top]] - cost[top]
            compared[top] = slot
            top = worth.argmax()
        if worth[top] == -np.inf:
            break
        picked[slot], shown[slot], worth[top] = shortlist[top], vectors[top], -np.inf
        knows_new |= _is_unknown(signals, picked[slot])
    return knows_new


@compiled
def repetition(similarity: np.float32) -> np.float32:
    """What likeness to an earlier slot takes from a candidate's worth, if above 0; infinite for the same picture."""
    return np.float32(np.inf if similarity >= SAME_PICTURE else (similarity - ALIKE) * (DIVERSITY / (1 - ALIKE)))


@compiled
def _is_unknown(signals: NDArray[np.float32], candidate: int) -> bool:
    """Whether an item is new, and no user has engaged with it yet."""
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
    """Put the best unknown item into EXPLORE_SLOT of a list that has none, unless it is a copy of a slot's picture.

    Returns the slot, or -1 where there is no such item.
    """
    top, vector = -1, np.empty(halves.shape[1], np.float32)
    for candidate in range(len(rows)):
        if _is_unknown(signals, candidate) and (top < 0 or scores[candidate] > scores[top]):
            widen(halves[rows[candidate]], vector)
            if not _is_shown(vector, picked, shown):
                top = candidate
    if top < 0:
        return -1
    for slot in range(len(picked) - 1, EXPLORE_SLOT, -1):
        picked[slot], shown[slot] = picked[slot - 1], shown[slot - 1]
    picked[EXPLORE_SLOT] = top
    widen(halves[rows[top]], shown[EXPLORE_SLOT])
    return EXPLORE_SLOT


@compiled
def _is_shown(vector: NDArray[np.float32], picked: NDArray[np.int64], shown: NDArray[np.float32]) -> bool:
    """Whether a list has this picture."""
    found = False
    for slot in range(len(picked)):
        found |= bool(picked[slot] >= 0 and dot(shown[slot], vector) >= SAME_PICTURE)
    return found


@compiled
def diversity(picked: NDArray[np.int64], vectors: NDArray[np.float32]) -> float:
    """1 - the mean similarity of neighbouring slots of a list [l] with vectors [l, d]; 1 for under two slots."""
    steps = (picked >= 0).sum() - 1
    found = 1.0
    for slot in range(steps):
        found -= dot(vectors[slot], vectors[slot + 1]) / steps
    return found
