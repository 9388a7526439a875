"""GET /v1/items/{id}/similar: what looks like an item of the catalogue, found in this process."""

import time

import numpy as np
from litestar import get

from features.item import key_of
from features.search_filter import SearchFilter
from inference.ranking.ranker import label
from streams.uploads.queries.looks import RANKER, looking_like
from web.ids import ItemId
from web.parameters import Count, FromLimits, Similarity
from web.parts import FromParts
from web.problems import Problem
from web.search.asking import Found


@get("/v1/items/{item_id:str}/similar", summary="Items that look like an item")
async def like_item(
    item: ItemId,
    parts: FromParts,
    limits: FromLimits,
    count: Count = None,
    min_similarity: Similarity = None,
) -> Found:
    """Find what looks like the picture of an item, the most similar first; the item itself is left out."""
    begun, catalog = time.perf_counter(), parts.catalog
    row, now_ms = catalog.row_of(item), time.time_ns() // 1_000_000
    if row is None:
        raise Problem(404, "No such item", f"the catalogue has no item {item!r}: it was never uploaded, or is deleted")
    if not catalog.pictures.has(np.array([row]))[0]:
        detail = f"the item {item!r} has no picture that can be compared: search by its words (GET /v1/search)"
        raise Problem(409, "The item has no picture", detail)
    catalog.advance(now_ms)
    items, degraded = await looking_like(
        catalog.pictures.vectors(np.array([row])),
        catalog,
        parts.feeds.find_similar,
        SearchFilter.of(limits, without=[key_of(item)]),
        count=count or parts.settings.list_length,
        now_ms=now_ms,
        min_similarity=-1.0 if min_similarity is None else min_similarity,
    )
    model = {"encoder": catalog.pictures.encoder or "none", "ranker": label(RANKER)}
    timings_ms = {"total": round(1000 * (time.perf_counter() - begun), 3)}
    return Found(items=items, degraded=degraded, model=model, timings_ms=timings_ms)
