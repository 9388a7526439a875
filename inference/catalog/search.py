"""Which items of the catalogue look most like a picture, where a search may be limited to some of them."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.search_filter import SearchFilter
from inference.catalog.catalog import PRICIEST, Catalog

#: The nearest rows int64 [n] of an embedding, at most so many, that are available and where it says, the nearest first.
FindSimilar: TypeAlias = Callable[[NDArray[np.float32], int, SearchFilter], Awaitable[NDArray[np.int64]]]
_CHUNK = 8192


async def find_similar(
    catalog: Catalog, query: NDArray[np.float32], count: int, where: SearchFilter
) -> NDArray[np.int64]:
    """See FindSimilar; in this process. With limits it looks at every item: an index is bad at few among many."""
    if where:
        every = await find_exactly(catalog, query, count, where, inf)
        assert every is not None, "there are more than infinitely many items. This is a bug."
        return every
    (found,), _ = catalog.search(query[None], count)
    unlimited: NDArray[np.int64] = found[found >= 0]
    return unlimited


async def find_exactly(
    catalog: Catalog, query: NDArray[np.float32], count: int, where: SearchFilter, few: float
) -> NDArray[np.int64] | None:
    """As FindSimilar, exactly; None where more than a `few` items are within the limits."""
    best, total = np.zeros(0, np.int64), 0
    for start in range(0, len(catalog.keys), _CHUNK):
        rows = matching(catalog, np.arange(start, min(start + _CHUNK, len(catalog.keys))), where)
        total += len(rows)
        if total > few:
            return None
        best = nearest(catalog, query, np.concatenate([best, rows]), count)
        # Some milliseconds each: other work gets its turn.
        await asyncio.sleep(0)
    return matching(catalog, best, where)


def matching(catalog: Catalog, rows: NDArray[np.int64], where: SearchFilter) -> NDArray[np.int64]:
    """Those of the rows that are available and where it says."""
    chosen = catalog.available[rows]
    if where.category is not None:
        code = catalog.category_code(where.category)
        chosen = chosen & (catalog.categories[rows] == code) if code is not None else np.zeros(len(rows), np.bool_)
    # In float32, as they are kept: a price is what it was told to be.
    if where.min_price is not None:
        chosen = chosen & (catalog.prices[rows] >= np.float32(min(where.min_price, PRICIEST)))
    if where.max_price is not None:
        chosen = chosen & (catalog.prices[rows] <= np.float32(min(where.max_price, PRICIEST)))
    return rows[chosen]


def nearest(catalog: Catalog, query: NDArray[np.float32], rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The `count` of the rows that are most similar to the query, the nearest first."""
    return rows[np.argsort(-(catalog.vectors(rows) @ query), kind="stable")[:count]]
