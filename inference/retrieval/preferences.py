"""What a user's dials (`features.dials`) mean for rows of the catalogue."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.dials import weights_of
from features.item import key_of
from inference.catalog.catalog import Catalog

#: By what a row is named, the most specific last.
NAMED_BY = ("category", "owner", "item")
#: Of so many items that were asked for the look-alikes are candidates, too.
SIMILAR_TO_WISHED = 4


@dataclass(frozen=True, slots=True)
class Wishes:
    """For each of some rows [m] its dial: `weights` float32, 0 where it has none; `named_by` int8, as in NAMED_BY."""

    weights: NDArray[np.float32]
    named_by: NDArray[np.int8]

    def of(self, places: NDArray[np.int64]) -> "Wishes":
        """Those of the rows at these places."""
        return Wishes(self.weights[places], self.named_by[places])


def find_wishes(dials: NDArray[np.void], rows: NDArray[np.int64], catalog: Catalog) -> Wishes:
    """The dial of each row: the strongest that names it, of equally strong ones the most specific."""
    weights, named_by = np.zeros(len(rows), np.float32), np.zeros(len(rows), np.int8)
    for code, keys in enumerate((_category_keys(rows, catalog), catalog.owners[rows], catalog.keys[rows])):
        found = weights_of(dials, keys)
        stronger = (found != 0) & (np.abs(found) >= np.abs(weights))
        weights[stronger], named_by[stronger] = found[stronger], code
    return Wishes(weights, named_by)


def wished_items(dials: NDArray[np.void], catalog: Catalog) -> NDArray[np.int64]:
    """The rows of items that were asked for by their id, the most wanted first."""
    wanted = dials[dials["weight"] > 0]
    rows = catalog.rows_of(wanted["key"][np.argsort(-wanted["weight"], kind="stable")])
    return rows[rows >= 0]


def named_dials(dials: NDArray[np.void], catalog: Catalog) -> dict[str, float]:
    """The dials by name, oldest first; `#` and the key in hexadecimal where the catalogue has no such name.

    An owner's id is in nobody's profile, nor in the catalogue's replica.
    """
    rows = catalog.rows_of(dials["key"]).tolist()
    categories = {key_of(name): name for name in catalog.category_names}
    return {
        catalog.item_ids[row] if row >= 0 else categories.get(key, f"#{key:016x}"): round(weight, 4)
        for row, (key, weight) in zip(rows, dials.tolist(), strict=True)
    }


def _category_keys(rows: NDArray[np.int64], catalog: Catalog) -> NDArray[np.uint64]:
    """The key of each row's category [m]; 0 for none."""
    codes, places = np.unique(catalog.categories[rows], return_inverse=True)
    names = catalog.category_names
    keys: NDArray[np.uint64] = np.array([key_of(names[code]) if code >= 0 else 0 for code in codes.tolist()], np.uint64)
    return keys[places]
