"""What is like a query's picture, or each of its parts, and fits its words: the list that answers it."""

import time
from collections.abc import Callable, Sequence

from features.item import key_of
from features.search_filter import SearchFilter
from features.vision.descriptors.mix import LOOK
from features.words.item_words import VERSION
from inference.catalog.catalog import Catalog
from inference.catalog.mixed_search import Asked, find_mixed
from inference.catalog.search import FindSimilar
from inference.ranking.ranker import label
from inference.ranking.similar import best_of
from inference.shop_rules.exclusions import excluded_by
from inference.shop_rules.rules import ShopRules
from inference.words.encoder import Embed
from streams.metrics import RECOMMENDATIONS
from streams.uploads.encoding_cache import PictureFeatures
from streams.uploads.picture_features import FeatureExtractor, SeenRegions
from streams.uploads.queries.looks import RANKER, looking_like
from streams.uploads.queries.words import QueryWords, least_similarity, mix_of, words_of
from streams.wire.events import Only, Recommendations, RecommendedItem, Region, Trigger, Upload
from streams.wire.records import Record


class QueryAnswerer:
    """Answers queries from the catalogue. A query leaves nothing."""

    def __init__(
        self,
        extractor: FeatureExtractor,
        catalog: Catalog,
        find_similar: FindSimilar,
        *,
        list_length: int,
        shop_rules: Callable[[], ShopRules | None] = lambda: None,
        embed: Embed | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Without `embed`, queries by words are refused."""
        self._extractor = extractor
        self._catalog = catalog
        self._find_similar = find_similar
        self._length = list_length
        self._shop_rules = shop_rules
        self._embed = embed
        self._clock_ms = clock_ms

    async def answer(self, query: Upload, record: Record) -> Recommendations:
        """The list that answers a query. Raises InvalidEvent."""
        seen = await self._extractor.extract_regions(query) if query.has_picture else SeenRegions([])
        parts: list[PictureFeatures | None] = [features for _, features in seen.regions] or [None]
        words = await self._words(query, parts)
        now_ms = self._clock_ms()
        self._catalog.advance(now_ms)
        found = [await self._similar(query, *part, now_ms) for part in zip(parts, words, strict=True)]
        items = best_of([items for items, _ in found], query.count or self._length)
        degraded = list(dict.fromkeys([*seen.degraded, *(name for _, names in found for name in names)]))
        made_by = {} if parts[0] is None else {"encoder": parts[0].encoding.version}
        regions = [Region(box=box, items=items) for (box, _), (items, _) in zip(seen.regions, found, strict=False)]
        for place, (box, why) in sorted(seen.refused.items()):
            regions.insert(place, Region(box=box, items=[], refused=why))
        RECOMMENDATIONS.labels("similar", ",".join(degraded)).inc()
        return Recommendations(
            rec_id=f"similar-{record.partition}-{record.offset}",
            user_id=query.user_id,
            seq=record.offset,
            kind="similar",
            generated_at_ms=now_ms,
            trigger=Trigger(
                event_id=query.event_id, type="query", item_id=query.item_id, occurred_at_ms=query.occurred_at_ms
            ),
            items=items,
            filtered={},
            degraded=degraded,
            model=made_by | {"ranker": label(RANKER)} | ({} if words[0].vector is None else {"words": VERSION}),
            timings_ms={"total": float(max(now_ms - record.timestamp_ms, 0))},
            regions=regions if query.is_about_parts else None,
        )

    async def _words(self, query: Upload, parts: Sequence[PictureFeatures | None]) -> Sequence[QueryWords]:
        """The words for each part: the query's own, or those that stand for the part."""
        if query.text is not None:
            return [await words_of(query, None, self._embed)] * len(parts)
        return [await words_of(query, part, self._embed) for part in parts]

    async def _similar(
        self, query: Upload, features: PictureFeatures | None, words: QueryWords, now_ms: int
    ) -> tuple[list[RecommendedItem], list[str]]:
        """Return the items most like a query's picture and words, by what it asks for, and what was degraded."""
        catalog, count, mix = self._catalog, query.count or self._length, mix_of(query)
        least, own = least_similarity(query), key_of(query.user_id)
        limits = SearchFilter.of(query.only or Only(), not_of=own, excluded=excluded_by(self._shop_rules(), now_ms))
        vectors = None if features is None else features.vectors
        if features is not None and features.encoding.version != catalog.pictures.encoder:
            return [], []
        if mix != LOOK or vectors is None:
            descriptors = None if features is None else features.descriptors
            asked = Asked(vectors, descriptors, mix, words.vector, words.colours)
            rows = await find_mixed(catalog, asked, count, limits)
            ranked = RANKER.rank_mixed(asked, rows, catalog, length=count, now_ms=now_ms, min_similarity=least)
            return ranked, ["words"] if words.is_missing else []
        return await looking_like(
            vectors, catalog, self._find_similar, limits, count=count, now_ms=now_ms, min_similarity=least
        )
