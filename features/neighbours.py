"""The items chosen together with an item: a bounded ledger of summed weights that follows the last co-choices.

The ledger counts as Space-Saving does (Metwally et al. 2005, "Efficient computation of frequent and top-k elements"):
over NEIGHBOURS_LIMIT entries, a new neighbour takes the place and the weight of the faintest one. So a newcomer can
rise in the full ledger of a best-seller, and the weights always sum to what was added. The sum stays below
WEIGHTS_LIMIT: what goes over it fades all neighbours alike, so that the co-choices of an item forget its earlier ones.
A slow clock, which stands still while nobody chooses the item, fades them too (docs/adr/0025).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.ledger import EMPTY, ENTRY, all_entries

NEIGHBOURS_LIMIT = 48
#: Some 7,000 links, which come from 700 choices of the item; float32 still adds the weakest link to such a sum.
WEIGHTS_LIMIT = 4096.0
HALF_LIFE_S = 10.0 * 365 * 86_400


@dataclass(slots=True)
class Links:
    """Links to be added, in order: each adds `weight` to the neighbour `item` of its `owner`."""

    owners: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    seconds: list[int] = field(default_factory=list)

    def add(self, owner: int, item: int, weight: float, at_ms: int) -> None:
        """Add one link."""
        self.owners.append(owner)
        self.items.append(item)
        self.weights.append(weight)
        self.seconds.append(max(at_ms, 0) // 1000)


def link(before: Mapping[int, NDArray[np.void]], links: Links) -> dict[int, NDArray[np.void]]:
    """The neighbours of each owner after all links, in one compiled call; `at_s` is the last time of each.

    >>> links = Links()
    >>> for item, weight in (7, 1.0), (8, 0.5), (7, 1.0):
    ...     links.add(1, item, weight, 1000)
    >>> link({}, links)[1].tolist()
    [(7, 2.0, 1), (8, 0.5, 1)]
    """
    places = {owner: place for place, owner in enumerate(dict.fromkeys(links.owners))}
    ledgers = [before.get(owner, EMPTY) for owner in places]
    counts = np.array([len(ledger) for ledger in ledgers], np.int64)
    table = _linked(
        all_entries(ledgers),
        counts,
        np.array([places[owner] for owner in links.owners], np.int64),
        np.array(links.items, np.uint64),
        np.array(links.weights, np.float32),
        np.array(links.seconds, np.int64),
    )
    return {owner: table[place, : counts[place]] for owner, place in places.items()}


def is_order_felt(entries: NDArray[np.void]) -> bool:
    """Whether the neighbours may depend on the order of the links: the ledger is full, or the sum at its limit."""
    return len(entries) >= NEIGHBOURS_LIMIT or float(entries["weight"].sum()) >= 0.99 * WEIGHTS_LIMIT


@compiled
def _linked(
    entries: NDArray[np.void],
    counts: NDArray[np.int64],
    owners: NDArray[np.int64],
    items: NDArray[np.uint64],
    weights: NDArray[np.float32],
    seconds: NDArray[np.int64],
) -> NDArray[np.void]:
    """The ledgers [owners, NEIGHBOURS_LIMIT] after the links; `counts` become their lengths."""
    table = np.empty((len(counts), NEIGHBOURS_LIMIT), ENTRY)
    start = 0
    for owner in range(len(counts)):
        table[owner, : counts[owner]] = entries[start : start + counts[owner]]
        start += counts[owner]
    for index in range(len(items)):
        owner = owners[index]
        counts[owner] = _add(table[owner], counts[owner], items[index], weights[index], seconds[index])
    return table


@compiled
def _add(entries: NDArray[np.void], count: int, item: np.uint64, weight: np.float32, at_s: int) -> int:
    """Add one link to the first `count` entries; return their number after it."""
    newest_s = max(latest_s(entries, count), at_s)
    place, faintest, least, total = -1, 0, np.inf, 0.0
    for index in range(count):
        faded = entries[index]["weight"] * fading(newest_s - np.int64(entries[index]["at_s"]))
        total += faded
        if entries[index]["item"] == item:
            place = index
        if faded < least:
            faintest, least = index, faded
    if place < 0:
        place = count if count < NEIGHBOURS_LIMIT else faintest
    known, known_s = 0.0, at_s
    if place < count:
        known, known_s = float(entries[place]["weight"]), np.int64(entries[place]["at_s"])
    later_s = max(known_s, at_s)
    entries[place]["item"] = item
    entries[place]["weight"] = known * fading(later_s - known_s) + weight * fading(later_s - at_s)
    entries[place]["at_s"] = later_s
    count = max(count, place + 1)
    total += weight * fading(newest_s - at_s)
    if total > WEIGHTS_LIMIT:
        for index in range(count):
            entries[index]["weight"] *= WEIGHTS_LIMIT / total
    return count


@compiled
def latest_s(entries: NDArray[np.void], count: int) -> int:
    """The time of the newest of the first `count` entries; 0 of none."""
    newest_s = 0
    for index in range(count):
        newest_s = max(newest_s, np.int64(entries[index]["at_s"]))
    return newest_s


@compiled
def fading(age_s: int) -> float:
    """What is left of a weight after some seconds."""
    return 1.0 if age_s == 0 else float(0.5 ** (age_s / HALF_LIFE_S))
