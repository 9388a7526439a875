"""What is chosen after an item, as rows of the catalogue, remembered as long as the item's behaviour is."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour, strengths
from inference.catalog import Catalog

REMEMBERED_LIMIT = 50_000
#: Strengths fade by half in a month: for so long they are good enough.
FADES_MS = 60_000


@dataclass(frozen=True, slots=True)
class Followed:
    """The neighbours of one item that the catalogue has: `keys` uint64, `rows` int64, `strengths` float32, [n] each."""

    keys: NDArray[np.uint64]
    rows: NDArray[np.int64]
    strengths: NDArray[np.float32]


class Followers:
    """Neighbours by row; a row may have been given to another item since, so its key must be looked at."""

    def __init__(self, catalog: Catalog, *, limit: int = REMEMBERED_LIMIT) -> None:
        self._catalog = catalog
        self._limit = limit
        self._known: OrderedDict[int, tuple[Behaviour, int, Followed]] = OrderedDict()

    def of(self, item: int, behaviour: Behaviour, now_ms: int) -> Followed:
        """What is chosen after the item with this key and behaviour."""
        known = self._known.get(item)
        if known is not None and known[0] is behaviour and 0 <= now_ms - known[1] < FADES_MS:
            return known[2]
        keys = behaviour.neighbours["item"]
        rows = self._catalog.rows_of(keys)
        here = rows >= 0
        followed = Followed(keys[here], rows[here], strengths([behaviour], now_ms)[here])
        self._known[item] = (behaviour, now_ms, followed)
        self._known.move_to_end(item)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)
        return followed
