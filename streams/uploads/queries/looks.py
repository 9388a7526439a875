"""What looks most like a picture, that of a query or of an item, with what the answer lacks."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.recommendation import RecommendedItem
from features.search_filter import SearchFilter
from inference.catalog.catalog import Catalog
from inference.catalog.search import FindSimilar
from inference.ranking.similar import SimilarRanker
from state.errors import StateUnavailable
from streams.logs import log

RANKER: Final = SimilarRanker()


async def looking_like(
    vectors: NDArray[np.float32],
    catalog: Catalog,
    find_similar: FindSimilar,
    limits: SearchFilter,
    *,
    count: int,
    now_ms: int,
    min_similarity: float,
) -> tuple[list[RecommendedItem], list[str]]:
    """The items whose pictures are nearest to any of the vectors [n, dimensions], the nearest first, `count` at most.

    While the shared index is away there are none, and `index` is among what was degraded.
    """
    try:
        rows = await find_similar(vectors, count, limits)
    except StateUnavailable as error:
        log.warning("index_unavailable", error=str(error))
        return [], ["index"]
    return RANKER.rank(vectors, rows, catalog, length=count, now_ms=now_ms, min_similarity=min_similarity), []
