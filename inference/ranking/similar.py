"""The ranker of lists that answer a picture: by similarity alone."""

import numpy as np
from numpy.typing import NDArray

from features.recommendation import Reason, RecommendedItem
from inference.catalog.catalog import Catalog
from inference.catalog.copies import distinct
from inference.ranking.reasons import rounded


class SimilarRanker:
    """Ranks what looks like a picture. See `Ranker`."""

    name = "similar"
    version = 1

    def rank(
        self,
        query: NDArray[np.float32],
        rows: NDArray[np.int64],
        catalog: Catalog,
        *,
        length: int,
        now_ms: int,
        min_similarity: float = -1.0,
    ) -> list[RecommendedItem]:
        """The first `length` of the rows [n] nearest to an embedding [dimensions], which are as similar as asked for.

        `rows` come with the nearest first; expired items and second copies of a picture are left out.
        """
        rows = distinct(rows[catalog.expires_ms[rows] > now_ms], catalog.pictures.halves, length)
        similarities = rounded(catalog.pictures.similarities(rows, query[None]))
        return [
            RecommendedItem(
                item_id=catalog.item_ids[row],
                score=similarity,
                source="visual",
                explore=False,
                reasons=[Reason(code="looks_like", similarity=similarity)],
            )
            for row, similarity in zip(rows.tolist(), similarities, strict=True)
            if similarity >= min_similarity
        ]
