"""The items chosen together with an item: a bounded ledger of summed weights that follows the last co-choices.

The ledger counts as Space-Saving does (Metwally et al. 2005, "Efficient computation of frequent and top-k elements"):
over NEIGHBOURS_LIMIT entries, a new neighbour takes the place and the weight of the faintest one. So a newcomer can
rise in the full ledger of a best-seller, and the weights always sum to what was added. The sum stays below
WEIGHTS_LIMIT: what goes over it fades all neighbours alike, so that the co-choices of an item, not the clock, forget
its earlier ones (docs/adr/0025).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.ledger import ENTRY, writeable

NEIGHBOURS_LIMIT = 48
#: Some 7,000 links, the co-choices of 700 users with the item; float32 adds the smallest link to it exactly enough.
WEIGHTS_LIMIT = 4096.0


def link(entries: NDArray[np.void], links: Sequence[tuple[int, float]], at_ms: int) -> NDArray[np.void]:
    """The neighbours after several (item, weight) links at one time, in order; `at_s` is the last time of each.

    >>> from features.ledger import EMPTY
    >>> link(EMPTY, [(7, 1.0), (8, 0.5), (7, 1.0)], 1000).tolist()
    [(7, 2.0, 1), (8, 0.5, 1)]
    """
    if not links:
        return entries
    items = np.array([item for item, _ in links], np.uint64)
    weights = np.array([weight for _, weight in links], np.float32)
    return _linked(writeable(entries), items, weights, max(at_ms, 0) // 1000)


def is_order_felt(entries: NDArray[np.void]) -> bool:
    """Whether the neighbours may depend on the order of the links: the ledger is full, or the sum at its limit."""
    return len(entries) >= NEIGHBOURS_LIMIT or float(entries["weight"].sum()) >= 0.99 * WEIGHTS_LIMIT


@compiled
def _linked(
    entries: NDArray[np.void], items: NDArray[np.uint64], weights: NDArray[np.float32], at_s: int
) -> NDArray[np.void]:
    grown = np.empty(min(len(entries) + len(items), NEIGHBOURS_LIMIT), ENTRY)
    count = len(entries)
    grown[:count] = entries
    total = np.float32(0)
    for index in range(count):
        total += grown[index]["weight"]
    for index in range(len(items)):
        place = _place(grown, count, items[index])
        if place == count:
            count += 1
            grown[place]["weight"] = 0
            grown[place]["at_s"] = 0
        grown[place]["item"] = items[index]
        grown[place]["weight"] += weights[index]
        grown[place]["at_s"] = max(np.int64(grown[place]["at_s"]), at_s)
        total += weights[index]
    if total > np.float32(WEIGHTS_LIMIT):
        for index in range(count):
            grown[index]["weight"] *= np.float32(WEIGHTS_LIMIT) / total
    return grown[:count].copy()


@compiled
def _place(entries: NDArray[np.void], count: int, item: np.uint64) -> int:
    """The place of the item among `count` entries, else the next free place, else that of the faintest entry."""
    faintest = 0
    for index in range(count):
        if entries[index]["item"] == item:
            return index
        if entries[index]["weight"] < entries[faintest]["weight"]:
            faintest = index
    return count if count < NEIGHBOURS_LIMIT else faintest
