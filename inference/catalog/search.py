"""The items of the catalogue that look most like a picture, among all or among those within the limits of a search."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.search_filter import NOTHING_EXCLUDED, Excluded, SearchFilter
from features.vision.descriptors.packed import are_there
from inference.catalog.catalog import PRICIEST, Catalog
from inference.catalog.copies import WIDER, first_distinct

#: The nearest rows int64 [n ≤ count] of (embedding, count, search filter), the nearest first: they can be shown, are
#: within the limits, and no two have the same picture. Fewer than `count` only where the catalogue has no more.
#: Of several embeddings [k, dimensions], as a clip's, the one that is nearest to an item counts.
FindSimilar: TypeAlias = Callable[[NDArray[np.float32], int, SearchFilter], Awaitable[NDArray[np.int64]]]
#: Returns rows int64 [n ≥ 0] of this many pictures, or fewer, that an index finds nearest to an embedding.
Ask: TypeAlias = Callable[[int], Awaitable[NDArray[np.int64]]]
#: Pictures that an index is asked for at most, when what it finds first cannot be shown; then every item is compared.
WIDEST = 4096
#: How alike the items in rows [n] are to what is asked for, float32 [n]; NaN leaves an item out.
Score: TypeAlias = Callable[[NDArray[np.int64]], NDArray[np.float32]]
#: Items compared at a time, in milliseconds; then other work gets its turn.
_CHUNK = 8192


async def find_similar(
    catalog: Catalog, query: NDArray[np.float32], count: int, search_filter: SearchFilter
) -> NDArray[np.int64]:
    """See FindSimilar, in this process. With limits it looks at every item: an index is bad at few among many."""

    async def ask(asked: int) -> NDArray[np.int64]:
        found, _ = catalog.pictures.search(np.atleast_2d(query), asked)
        rows: NDArray[np.int64] = found[found >= 0]
        return rows

    return await widening(
        catalog, query, count, search_filter, ask, 0 if search_filter.is_narrow else catalog.pictures.indexed
    )


async def widening(
    catalog: Catalog, query: NDArray[np.float32], count: int, search_filter: SearchFilter, ask: Ask, limit: int
) -> NDArray[np.int64]:
    """See FindSimilar: asks an index for more until enough can be shown; beyond `limit` pictures, looks at every item.

    Raises what `ask` raises.
    """
    asked = 2 * count
    while asked <= min(WIDEST, limit):
        found = np.concatenate((await ask(asked), catalog.clips.nearest(np.atleast_2d(query), asked)))
        rows = nearest(catalog, query, np.unique(found), count, search_filter)
        if len(rows) == count:
            return rows
        asked *= WIDER
    return await find_exactly(catalog, by_look(catalog, query), count, search_filter)


def by_look(catalog: Catalog, query: NDArray[np.float32]) -> Score:
    """The cosine of the items' pictures and the nearest of embeddings [k, dimensions]; NaN without a picture."""

    def score(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.where(catalog.pictures.has(rows), catalog.likeness(rows, query), np.float32(np.nan))

    return score


async def find_exactly(
    catalog: Catalog, score: Score, count: int, search_filter: SearchFilter, *, at_once: int = _CHUNK
) -> NDArray[np.int64]:
    """As FindSimilar, by the score of every item, of which `at_once` are compared at a time."""
    every = await find_among_few(catalog, score, count, search_filter, inf, at_once=at_once)
    assert every is not None, "there are more than infinitely many items. This is a bug."
    return every


async def find_among_few(
    catalog: Catalog, score: Score, count: int, search_filter: SearchFilter, few: float, *, at_once: int = _CHUNK
) -> NDArray[np.int64] | None:
    """As `find_exactly`; None where more than `few` are within the limits."""
    within, scores, total = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)], 0
    for start in range(0, len(catalog.keys), at_once):
        rows = matching(catalog, np.arange(start, min(start + at_once, len(catalog.keys))), search_filter)
        # Of items with one picture, those of a release before may have no descriptors to compare.
        rows = catalog.pictures.one_of_each(rows[np.argsort(~are_there(catalog.descriptors[rows, :1]), kind="stable")])
        total += len(rows)
        if total > few:
            return None
        scored = score(rows)
        within.append(rows[~np.isnan(scored)])
        scores.append(scored[~np.isnan(scored)])
        await asyncio.sleep(0)
    return _first(catalog, np.concatenate(within), np.concatenate(scores), count, search_filter)


def matching(catalog: Catalog, rows: NDArray[np.int64], search_filter: SearchFilter) -> NDArray[np.int64]:
    """The rows that can be shown, have a picture or words, and are within the limits."""
    found = catalog.can_be_shown(rows) & (catalog.pictures.has(rows) | catalog.worded[rows])
    return rows[found & are_within(catalog, rows, search_filter)]


def are_within(catalog: Catalog, rows: NDArray[np.int64], search_filter: SearchFilter) -> NDArray[np.bool_]:
    """Which of the rows [n] are within the limits, bool [n]."""
    chosen = np.ones(len(rows), np.bool_)
    if search_filter.category is not None:
        code = catalog.category_code(search_filter.category)
        chosen = chosen & (catalog.categories[rows] == code) if code is not None else np.zeros(len(rows), np.bool_)
    # In float32 like the column, so that an item's exact price is within the limit.
    if search_filter.min_price is not None:
        chosen = chosen & (catalog.prices[rows] >= np.float32(min(search_filter.min_price, PRICIEST)))
    if search_filter.max_price is not None:
        chosen = chosen & (catalog.prices[rows] <= np.float32(min(search_filter.max_price, PRICIEST)))
    if search_filter.tag is not None:
        chosen = chosen & catalog.tags.have(rows, search_filter.tag, "")
    for key, value in search_filter.attributes:
        chosen = chosen & catalog.attributes.have(rows, key, value)
    if search_filter.not_of is not None:
        chosen = chosen & (catalog.owners[rows] != np.uint64(search_filter.not_of))
    if search_filter.without:
        chosen = chosen & ~np.isin(catalog.keys[rows], np.array([*search_filter.without], np.uint64))
    if search_filter.excluded != NOTHING_EXCLUDED:
        chosen = chosen & ~_are_excluded(catalog, rows, search_filter.excluded)
    return chosen


def _are_excluded(catalog: Catalog, rows: NDArray[np.int64], excluded: Excluded) -> NDArray[np.bool_]:
    """Which of rows [n] the shop leaves out, bool [n]."""
    found = np.isin(catalog.keys[rows], np.array([*excluded.items], np.uint64))
    found |= np.isin(catalog.owners[rows], np.array([*excluded.owners], np.uint64))
    codes = [catalog.category_code(name) for name in excluded.categories]
    found |= np.isin(catalog.categories[rows], np.array([code for code in codes if code is not None], np.int32))
    for key, value in excluded.attributes:
        found |= catalog.attributes.have(rows, key, value)
    return found


def nearest(
    catalog: Catalog, query: NDArray[np.float32], rows: NDArray[np.int64], count: int, search_filter: SearchFilter
) -> NDArray[np.int64]:
    """As FindSimilar, among what shows the pictures of rows [n]."""
    members = catalog.pictures.one_of_each(matching(catalog, catalog.pictures.members(rows), search_filter))
    return _first(catalog, members, catalog.likeness(members, query), count, search_filter)


def _first(
    catalog: Catalog,
    rows: NDArray[np.int64],
    similarities: NDArray[np.float32],
    count: int,
    search_filter: SearchFilter,
) -> NDArray[np.int64]:
    """The `count` most similar of the rows [n] that still match, the nearest first, no two with the same picture."""
    columns = catalog.pictures.halves, catalog.hashes
    return first_distinct(rows, similarities, *columns, count, lambda best: matching(catalog, best, search_filter))
