"""The ranker of lists that answer a picture: by similarity alone, of its look or of whatever the query names."""

from collections.abc import Sequence
from itertools import chain
from math import isnan

import numpy as np
from numpy.typing import NDArray

from features.recommendation import Reason, RecommendedItem
from features.vision.descriptors.similarities import mean_of
from inference.catalog.catalog import Catalog
from inference.catalog.copies import distinct
from inference.catalog.mixed_search import Asked, similarities_by
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
        """The first `length` of the rows [n] nearest to an embedding [dimensions], or to any of several, which are as
        similar as asked for.

        `rows` come with the nearest first; expired items and second copies of a picture are left out.
        """
        rows = distinct(rows[catalog.expires_ms[rows] > now_ms], catalog.pictures.halves, catalog.hashes, length)
        similarities = rounded(catalog.likeness(rows, query))
        items = _items(catalog, rows, similarities, [None] * len(rows))
        return [item for item in items if item.score >= min_similarity]

    def rank_mixed(
        self,
        asked: Asked,
        rows: NDArray[np.int64],
        catalog: Catalog,
        *,
        length: int,
        now_ms: int,
        min_similarity: float = -1.0,
    ) -> list[RecommendedItem]:
        """As `rank`, by the weighted mean of several similarities; the reasons have each of them."""
        rows = distinct(rows[catalog.expires_ms[rows] > now_ms], catalog.pictures.halves, catalog.hashes, length)
        by = similarities_by(catalog, asked, rows)
        each = zip(*(rounded(values) for values in by.values()), strict=True)
        known: list[dict[str, float] | None] = [
            {name: value for name, value in zip(by, values, strict=True) if not isnan(value)} for values in each
        ]
        items = _items(catalog, rows, rounded(mean_of(by, asked.mix)), known)
        return [item for item in items if item.score >= min_similarity]


def best_of(lists: Sequence[Sequence[RecommendedItem]], length: int) -> list[RecommendedItem]:
    """The first `length` items of several lists together, each once, where it is most similar."""
    best: dict[str, RecommendedItem] = {}
    for item in sorted(chain(*lists), key=lambda item: -item.score):
        best.setdefault(item.item_id, item)
    return list(best.values())[:length]


def _items(
    catalog: Catalog,
    rows: NDArray[np.int64],
    similarities: Sequence[float],
    by: Sequence[dict[str, float] | None],
) -> list[RecommendedItem]:
    return [
        RecommendedItem(
            item_id=catalog.item_ids[row],
            score=similarity,
            source="visual",
            explore=False,
            reasons=[Reason(code="looks_like", similarity=similarity, by=parts)],
        )
        for row, similarity, parts in zip(rows.tolist(), similarities, by, strict=True)
    ]
