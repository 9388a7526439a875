"""The items of the catalogue that look most like a picture, among all or among those within the limits of a search."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.search_filter import SearchFilter
from inference.catalog.catalog import PRICIEST, Catalog

#: The nearest available rows int64 [n ≤ count] of (embedding, count, search filter), the nearest first.
FindSimilar: TypeAlias = Callable[[NDArray[np.float32], int, SearchFilter], Awaitable[NDArray[np.int64]]]
_CHUNK = 8192


async def find_similar(
    catalog: Catalog, query: NDArray[np.float32], count: int, search_filter: SearchFilter
) -> NDArray[np.int64]:
    """See FindSimilar, in this process. With limits it looks at every item: an index is bad at few among many."""
    if search_filter:
        every = await find_exactly(catalog, query, count, search_filter, inf)
        assert every is not None, "there are more than infinitely many items. This is a bug."
        return every
    (found,), _ = catalog.pictures.search(query[None], count)
    unlimited: NDArray[np.int64] = found[found >= 0]
    return unlimited


async def find_exactly(
    catalog: Catalog, query: NDArray[np.float32], count: int, search_filter: SearchFilter, few: float
) -> NDArray[np.int64] | None:
    """As FindSimilar, exactly; None where more than `few` items are within the limits."""
    best, total = np.zeros(0, np.int64), 0
    for start in range(0, len(catalog.keys), _CHUNK):
        rows = matching(catalog, np.arange(start, min(start + _CHUNK, len(catalog.keys))), search_filter)
        total += len(rows)
        if total > few:
            return None
        best = nearest(catalog, query, np.concatenate([best, rows]), count)
        # Each chunk takes milliseconds: other work gets its turn.
        await asyncio.sleep(0)
    return matching(catalog, best, search_filter)


def matching(catalog: Catalog, rows: NDArray[np.int64], search_filter: SearchFilter) -> NDArray[np.int64]:
    """The rows that are available and within the limits."""
    chosen = catalog.available[rows]
    if search_filter.category is not None:
        code = catalog.category_code(search_filter.category)
        chosen = chosen & (catalog.categories[rows] == code) if code is not None else np.zeros(len(rows), np.bool_)
    # In float32 like the column, so that an item's exact price is within the limit.
    if search_filter.min_price is not None:
        chosen = chosen & (catalog.prices[rows] >= np.float32(min(search_filter.min_price, PRICIEST)))
    if search_filter.max_price is not None:
        chosen = chosen & (catalog.prices[rows] <= np.float32(min(search_filter.max_price, PRICIEST)))
    return rows[chosen]


def nearest(catalog: Catalog, query: NDArray[np.float32], rows: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The `count` rows most similar to the query, the nearest first."""
    return rows[np.argsort(-(catalog.pictures.vectors(rows) @ query), kind="stable")[:count]]
