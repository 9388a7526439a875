"""The items chosen together with an item: a bounded ledger of summed weights that follows the last co-choices.

Weights have no upper bound, so a best-seller knows its strong neighbours from its weak ones. A full ledger forgets by
the number of links, and any ledger by a slow clock that stands still while nobody chooses the item. A new neighbour
takes the place of the faint one that was chosen longest ago, not of the faintest: else each newcomer would drive out
the one before it, and none could rise (docs/adr/0025).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled
from features.ledger import EMPTY, ENTRY, all_entries

NEIGHBOURS_LIMIT = 48
#: Each link of a full ledger takes its weight / (this + its weight) of all others: 1,800 links, of 180 choices, take
#: nearly two thirds.
FORGOTTEN_AFTER = 1024.0
#: An entry is faint below this part of the mean weight.
FAINT = 0.25
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


def is_full(entries: NDArray[np.void]) -> bool:
    """Whether the neighbours depend on the order of the links; before that they are sums."""
    return len(entries) >= NEIGHBOURS_LIMIT


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
    newest_s = at_s
    for index in range(count):
        newest_s = max(newest_s, int(entries[index]["at_s"]))
    full = count == NEIGHBOURS_LIMIT
    kept = FORGOTTEN_AFTER / (FORGOTTEN_AFTER + weight) if full else 1.0
    place, total = count, 0.0
    for index in range(count):
        entries[index]["weight"] *= kept
        total += entries[index]["weight"] * fading(newest_s - int(entries[index]["at_s"]))
        if entries[index]["item"] == item:
            place = index
    if place < count:
        later_s = max(int(entries[place]["at_s"]), at_s)
        known = entries[place]["weight"] * fading(later_s - int(entries[place]["at_s"]))
        entries[place]["weight"] = known + weight * fading(later_s - at_s)
        entries[place]["at_s"] = later_s
    else:
        if full:
            place = _replaced(entries, FAINT * total / count, newest_s)
        entries[place]["item"] = item
        entries[place]["weight"] = weight
        entries[place]["at_s"] = at_s
        count = max(count, place + 1)
    return count


@compiled
def _replaced(entries: NDArray[np.void], faint: float, newest_s: int) -> int:
    """The place of the entry to drop: of those fainter than `faint` the one chosen longest ago, else the faintest."""
    faintest, oldest, least, oldest_s = 0, -1, np.inf, newest_s + 1
    for index in range(len(entries)):
        at_s = int(entries[index]["at_s"])
        weight = entries[index]["weight"] * fading(newest_s - at_s)
        if weight < least:
            faintest, least = index, weight
        if weight < faint and at_s < oldest_s:
            oldest, oldest_s = index, at_s
    return faintest if oldest < 0 else oldest


@compiled
def fading(age_s: int) -> float:
    """What is left of a weight after some seconds."""
    return 1.0 if age_s == 0 else float(0.5 ** (age_s / HALF_LIFE_S))
