"""The ranker of lists that answer a picture: by similarity alone."""

import numpy as np
from numpy.typing import NDArray

from features.recommendation import Reason, RecommendedItem
from inference.catalog.catalog import Catalog


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

        `rows` come with the nearest first, and expired items are left out.
        """
        found = zip(rows.tolist(), (catalog.pictures.vectors(rows) @ query).tolist(), strict=True)
        return [
            RecommendedItem(
                item_id=catalog.item_ids[row],
                score=round(similarity, 4),
                source="visual",
                explore=False,
                reasons=[Reason(code="looks_like", similarity=round(similarity, 4))],
            )
            for row, similarity in found
            if catalog.expires_ms[row] > now_ms and catalog.owners[row] != owner
        ][:length]
