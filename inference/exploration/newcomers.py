"""The latest uploads that few users have met: what is known of each, with its category as the prior."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour, least_met
from inference.catalog.catalog import Catalog
from inference.catalog.fresh_rows import FRESH_LIMIT
from inference.exploration.posterior import posterior_of

#: The latest uploads that are looked at.
LATEST_LIMIT = FRESH_LIMIT // 2
#: What so many users met is known, and shown for its score alone.
KNOWN_FROM = 16

#: One item with the number of users who met it, and of those who chose it.
MET = np.dtype([("item", "<u8"), ("met", "<i8"), ("chosen", "<i8")])
NOBODY_MET = np.empty(0, MET)
_NO_RATES = np.zeros(0)


@dataclass(frozen=True, slots=True)
class Newcomers:
    """The `rows` int64 [n] of newcomers, ascending, and the posteriors of their rates: Beta(wins, misses) [n]."""

    rows: NDArray[np.int64]
    wins: NDArray[np.float64]
    misses: NDArray[np.float64]


NO_NEWCOMERS = Newcomers(np.zeros(0, np.int64), _NO_RATES, _NO_RATES)


@dataclass(frozen=True, slots=True)
class CategoryRate:
    """What is known of the latest uploads of a category, None for those without one.

    Of `items`, `newcomers` are known by few; `met` and `chosen` count users, and `rate` is what is expected of an item
    that nobody met.
    """

    category: str | None
    items: int
    newcomers: int
    met: int
    chosen: int
    rate: float


def latest_keys(catalog: Catalog) -> list[int]:
    """The keys of the items whose behaviours `count_met` needs."""
    keys: list[int] = catalog.keys[catalog.freshest(LATEST_LIMIT)].tolist()
    return keys


def count_met(behaviours: Mapping[int, Behaviour]) -> NDArray[np.void]:
    """How many users met and chose each item (MET), from what is stored of behaviours.

    Users are those of one to two weeks (`least_met`: 64 at most). Who chose an item added about 1 to its popularity.

    >>> from features.behaviour import UNKNOWN; from dataclasses import replace
    >>> count_met({7: replace(UNKNOWN, popular=2.2, user_bitmap=0b11, met_bitmap=0b1110)}).tolist()
    [(7, 4, 2)]
    """
    counts = [(key, least_met(each), each.popular) for key, each in behaviours.items()]
    return np.array([(key, met, _chosen(met, popular)) for key, met, popular in counts], MET)


def find_newcomers(met: NDArray[np.void], catalog: Catalog) -> Newcomers:
    """The newcomers of a catalogue, with the counts of a table (MET)."""
    rows, shown, chosen, groups = _latest(met, catalog)
    if not len(rows):
        return NO_NEWCOMERS
    posterior = posterior_of(chosen, shown, groups)
    few = shown < KNOWN_FROM
    return Newcomers(rows[few], posterior.wins[few], posterior.misses[few])


def category_rates(met: NDArray[np.void], catalog: Catalog) -> list[CategoryRate]:
    """What the latest uploads say of each category, those with most users first."""
    _, shown, chosen, groups = _latest(met, catalog)
    found = []
    for group in np.unique(groups).tolist():
        own = groups == group
        # One more item of the group, which nobody met.
        nobody = [np.append(each, last) for each, last in ((chosen, 0), (shown, 0), (groups, group))]
        rate = float(posterior_of(*nobody).means()[-1])
        name = catalog.category_names[group - 1] if group else None
        found.append(
            CategoryRate(
                name,
                items=int(own.sum()),
                newcomers=int((own & (shown < KNOWN_FROM)).sum()),
                met=int(shown[own].sum()),
                chosen=int(chosen[own].sum()),
                rate=round(rate, 4),
            )
        )
    return sorted(found, key=lambda each: (-each.met, each.category or ""))


def _chosen(met: int, popular: float) -> int:
    return min(round(popular), met)


def _latest(
    met: NDArray[np.void], catalog: Catalog
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The rows of the latest uploads, ascending; how many met and chose each, and the group of each: its category."""
    rows = np.sort(catalog.freshest(LATEST_LIMIT))
    shown, chosen = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
    found = catalog.rows_of(met["item"])
    is_latest = np.isin(found, rows)
    places = np.searchsorted(rows, found[is_latest])
    shown[places], chosen[places] = met["met"][is_latest], met["chosen"][is_latest]
    return rows, shown, chosen, catalog.categories[rows].astype(np.int64) + 1
