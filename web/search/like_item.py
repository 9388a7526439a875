"""GET /v1/items/{id}/similar: what looks like an item of the catalogue, found in this process."""

import time

import numpy as np
from litestar import get

from features.item import key_of
from inference.ranking.ranker import label
from inference.ranking.similar import SimilarRanker
from state.errors import StateUnavailable
from web.ids import ItemId
from web.parameters import Count, FromLimits, Similarity
from web.parts import FromParts
from web.problems import Problem
from web.search.asking import Found

_RANKER = SimilarRanker()


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
    length = count or parts.settings.list_length
    vector = catalog.pictures.vectors(np.array([row]))
    try:
        rows = await parts.feeds.find_similar(vector, length, limits.search_filter([key_of(item)]))
    except StateUnavailable:
        return Found(items=[], degraded=["index"])
    least = -1.0 if min_similarity is None else min_similarity
    items = _RANKER.rank(vector, rows, catalog, length=length, now_ms=now_ms, min_similarity=least)
    model = {"encoder": catalog.pictures.encoder or "none", "ranker": label(_RANKER)}
    return Found(items=items, model=model, timings_ms={"total": round(1000 * (time.perf_counter() - begun), 3)})
