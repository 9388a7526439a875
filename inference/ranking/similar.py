"""The ranker of lists that answer a picture: by similarity alone."""

import numpy as np
from numpy.typing import NDArray

from features.recommendation import Reason, RecommendedItem
from inference.catalog.catalog import Catalog
from inference.catalog.copies import distinct


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
        owner: int | None = None,
    ) -> list[RecommendedItem]:
        """The first `length` of the rows [n] nearest to an embedding [dimensions], without the `owner`'s items.

        `rows` come with the nearest first; expired items and second copies of a picture are left out.
        """
        is_owned = catalog.owners[rows] == np.uint64(owner) if owner else np.zeros(len(rows), np.bool_)
        rows = distinct(rows[(catalog.expires_ms[rows] > now_ms) & ~is_owned], catalog.pictures.halves, length)
        similarities = catalog.pictures.similarities(rows, query[None]).tolist()
        return [
            RecommendedItem(
                item_id=catalog.item_ids[row],
                score=round(similarity, 4),
                source="visual",
                explore=False,
                reasons=[Reason(code="looks_like", similarity=round(similarity, 4))],
            )
            for row, similarity in zip(rows.tolist(), similarities, strict=True)
        ]
