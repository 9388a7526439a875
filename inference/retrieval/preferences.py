"""What users' dials (`features.dials`) mean for rows of the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.dials import weights_of
from features.item import key_of
from features.profile import Profile
from inference.catalog.catalog import Catalog

#: What a dial may name a row by, the most specific last.
NAMED_BY = ("category", "owner", "item")
#: The look-alikes of this many items that a user asked for are candidates, too.
SIMILAR_TO_WISHED = 4


@dataclass(frozen=True, slots=True)
class Wishes:
    """The dial of each of some rows [m]: `weights` float32, 0 for none; `named_by` int8, places in NAMED_BY."""

    weights: NDArray[np.float32]
    named_by: NDArray[np.int8]

    def of(self, places: NDArray[np.int64]) -> "Wishes":
        """The dials of the rows at these places."""
        return Wishes(self.weights.take(places), self.named_by.take(places))


def find_wishes(dials: NDArray[np.void], rows: NDArray[np.int64], catalog: Catalog) -> Wishes:
    """The dial of each row: the strongest that names it; of equally strong ones, the most specific."""
    weights, named_by = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.int8)
    for code, keys in enumerate((_category_keys(rows, catalog), catalog.owners[rows], catalog.keys[rows])):
        found = weights_of(dials, keys)
        stronger = (found != 0) & (np.abs(found) >= np.abs(weights))
        weights[stronger], named_by[stronger] = found[stronger], code
    return Wishes(weights, named_by)


def wishes_of(
    profiles: Sequence[Profile], users: NDArray[np.int64], rows: NDArray[np.int64], catalog: Catalog
) -> Wishes:
    """The dial of each row [n] by its user's profile; `users` [n] are places in `profiles`, in ascending order."""
    wishes = Wishes(np.zeros(len(rows), np.float32), np.zeros(len(rows), np.int8))
    for user, profile in enumerate(profiles):
        if len(profile.dials):
            own = slice(*np.searchsorted(users, (user, user + 1)))
            found = find_wishes(profile.dials, rows[own], catalog)
            wishes.weights[own], wishes.named_by[own] = found.weights, found.named_by
    return wishes


def wished_items(dials: NDArray[np.void], catalog: Catalog) -> NDArray[np.int64]:
    """The rows of items that the user asked for by their id, the most wanted first."""
    wanted = dials[dials["weight"] > 0]
    rows = catalog.rows_of(wanted["key"][np.argsort(-wanted["weight"], kind="stable")])
    return rows[rows >= 0]


def named_dials(dials: NDArray[np.void], catalog: Catalog) -> dict[str, float]:
    """The dials by name, oldest first; `#` and the key in hexadecimal where the catalogue lacks the name.

    Owners are always given by their keys: neither profiles nor the catalogue hold their ids.
    """
    rows = catalog.rows_of(dials["key"]).tolist()
    categories = {key_of(name): name for name in catalog.category_names}
    return {
        catalog.item_ids[row] if row >= 0 else categories.get(key, f"#{key:016x}"): round(weight, 4)
        for row, (key, weight) in zip(rows, dials.tolist(), strict=True)
    }


def _category_keys(rows: NDArray[np.int64], catalog: Catalog) -> NDArray[np.uint64]:
    """The key of each row's category [m]; 0 for none."""
    codes, names = catalog.categories[rows] + 1, catalog.category_names
    keys = np.zeros(len(names) + 1, np.uint64)
    for code in np.flatnonzero(np.bincount(codes)[1:]).tolist():
        keys[code + 1] = key_of(names[code])
    return keys[codes]
