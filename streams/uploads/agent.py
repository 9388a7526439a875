"""Consumes uploads: decodes and embeds pictures and clips, and passes them on as items. A query leaves nothing."""

import asyncio
import time
from asyncio import Task
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.item import Item, key_of
from features.search_filter import Excluded, SearchFilter
from features.vision.descriptors.mix import LOOK
from features.vision.tags.readable import named
from features.words.item_words import VERSION
from inference.catalog.catalog import Catalog
from inference.catalog.mixed_search import Asked, find_mixed
from inference.catalog.search import FindSimilar
from inference.classes.file import Classes
from inference.ranking.ranker import label
from inference.ranking.similar import SimilarRanker
from inference.shop_rules.exclusions import excluded_by
from inference.shop_rules.rules import ShopRules
from inference.words.encoder import Embed
from state.errors import StateUnavailable
from streams.errors import InvalidEvent
from streams.kafka.publisher import Publisher
from streams.logs import log
from streams.metrics import CATEGORIES_FILLED, EVENTS, RECOMMENDATIONS
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import dead_letter, set_aside
from streams.processing.refusals import count_refused, or_refusal
from streams.processing.unknown_fields import note_unknown_fields
from streams.uploads.encoding_cache import PictureFeatures
from streams.uploads.gate import Gate
from streams.uploads.picture_features import FeatureExtractor
from streams.uploads.query_words import QueryWords, least_similarity, mix_of, words_of
from streams.wire.cloud_events import event_key
from streams.wire.events import Interaction, Only, Recommendations, RecommendedItem, Trigger, Upload, encode
from streams.wire.namespace import Namespace
from streams.wire.parsing import parse_upload, time_said
from streams.wire.records import Message, Record
from streams.wire.signals import SignalTopic, Uploaded
from streams.wire.topics import INTERACTIONS, UPLOADS
from streams.wire.topics import RECOMMENDATIONS as TOPIC
from streams.wire.upload_header import header_of


@dataclass(frozen=True, slots=True)
class Answers:
    """The messages of a batch, and the pictures that are being written: a task gives None, or why it is not kept."""

    messages: list[Message]
    writing: list[tuple[Record, Task[str | None]]]


class UploadsAgent:
    """Turns pictures into items and answers, several at the same time.

    A crash may publish a message twice: readers use the last or the first. While the encoder is unavailable, uploads
    wait in their topic. While the store of pictures is, items do not wait: only the acknowledgement of their uploads
    does, so that a crash loses no picture.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        catalog: Catalog,
        find_similar: FindSimilar,
        publisher: Publisher,
        signals: SignalTopic,
        breaker: Breaker,
        gate: Gate,
        *,
        namespace: Namespace,
        list_length: int,
        classes: Callable[[], Classes | None] = lambda: None,
        shop_rules: Callable[[], ShopRules | None] = lambda: None,
        embed: Embed | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Without `embed`, queries by words are refused."""
        self._extractor = extractor
        self._embed = embed
        self._catalog = catalog
        self._ranker = SimilarRanker()
        self._find_similar = find_similar
        self._publisher = publisher
        self._signals = signals
        self._breaker = breaker
        self._gate = gate
        self._namespace = namespace
        self._length = list_length
        self._classes = classes
        self._shop_rules = shop_rules
        self._clock_ms = clock_ms

    async def answer(self, records: Sequence[Record]) -> Answers:
        """Return what follows from a batch of events.uploads: items, answers, dead letters. Batches may overlap."""
        parsed = [or_refusal(parse_upload, record) for record in records]
        await self._breaker.check(*count_refused(parsed))
        answers = await asyncio.gather(*map(self._answer, records, parsed))
        messages = [message for answer, _ in answers for message in answer]
        writing = [(record, task) for record, (_, task) in zip(records, answers, strict=True) if task is not None]
        return Answers(messages, writing)

    async def publish(self, answers: Answers) -> None:
        """Publish the messages of a batch. Call it in batch order."""
        interactions_topic, messages = self._namespace.topic(INTERACTIONS), answers.messages
        # The items go first: a reader of the event may disown the item, and that message must follow the item.
        await self._publisher.publish([message for message in messages if message.topic != interactions_topic])
        await self._publisher.publish([message for message in messages if message.topic == interactions_topic])

    async def finish(self, answers: Answers) -> None:
        """Wait until each picture of a batch is kept, or its upload is a dead letter, too: sent again, it is kept."""
        problems = [(record, await writing) for record, writing in answers.writing]
        letters = [
            dead_letter(record, InvalidEvent("picture_not_kept", problem), namespace=self._namespace)
            for record, problem in problems
            if problem is not None
        ]
        await self._publisher.publish(letters)

    async def _answer(
        self, record: Record, upload: Upload | InvalidEvent
    ) -> tuple[list[Message], Task[str | None] | None]:
        if isinstance(upload, InvalidEvent):
            return set_aside(record, upload, namespace=self._namespace), None
        try:
            extracted = await self._extractor.extract(upload) if upload.has_picture else None
            features = None if extracted is None else extracted.features
            words = await words_of(upload, features, self._embed)
            item = await self._item(upload, record, features)
        except InvalidEvent as error:
            return set_aside(record, error, namespace=self._namespace), None
        note_unknown_fields(record, Upload)
        EVENTS.labels(UPLOADS.name, upload.purpose, "applied").inc()
        if item is None or extracted is None:
            return [await self._answer_query(upload, record, features, words)], None
        CATEGORIES_FILLED.inc(upload.category is None and item.own_class is not None)
        # Where the item's one writer refuses it, the header says of which upload the dead letter is.
        headers = (header_of(record),) if upload.as_owner else ()
        signal = self._signals.message(Uploaded(item, upload.as_owner), *headers)
        return [signal, self._interaction(upload, record)], extracted.writing

    async def _item(self, upload: Upload, record: Record, features: PictureFeatures | None) -> Item | None:
        """The item that an upload describes, as the gate lets it through; None for a query. Raises InvalidEvent."""
        if features is None or upload.purpose == "query":
            return None
        item = _to_item(upload, record, features, self._classes())
        return await self._gate.judge(item, features.judged, self._catalog)

    async def _answer_query(
        self, upload: Upload, record: Record, features: PictureFeatures | None, words: QueryWords
    ) -> Message:
        now_ms = self._clock_ms()
        self._catalog.advance(now_ms)
        items, degraded = await self._similar(upload, features, words, now_ms)
        made_by = {} if features is None else {"encoder": features.encoding.version}
        RECOMMENDATIONS.labels("similar", ",".join(degraded)).inc()
        answer = Recommendations(
            rec_id=f"similar-{record.partition}-{record.offset}",
            user_id=upload.user_id,
            seq=record.offset,
            kind="similar",
            generated_at_ms=now_ms,
            trigger=Trigger(
                event_id=upload.event_id,
                type="query",
                item_id=upload.item_id,
                occurred_at_ms=upload.occurred_at_ms,
            ),
            items=items,
            filtered={},
            degraded=degraded,
            model=made_by | {"ranker": label(self._ranker)} | ({} if words.vector is None else {"words": VERSION}),
            timings_ms={"total": float(max(now_ms - record.timestamp_ms, 0))},
        )
        return Message(self._namespace.topic(TOPIC), upload.user_id.encode(), encode(answer))

    async def _similar(
        self, upload: Upload, features: PictureFeatures | None, words: QueryWords, now_ms: int
    ) -> tuple[list[RecommendedItem], list[str]]:
        """Return the items most like a query's picture and words, by what it asks for, and what was degraded."""
        catalog, count, mix = self._catalog, upload.count or self._length, mix_of(upload)
        least, limits = least_similarity(upload), _search_filter(upload, excluded_by(self._shop_rules(), now_ms))
        vectors = None if features is None else features.vectors
        if features is not None and features.encoding.version != catalog.pictures.encoder:
            return [], []
        if mix != LOOK or vectors is None:
            asked = Asked(vectors, None if features is None else features.descriptors, mix, words.vector)
            rows = await find_mixed(catalog, asked, count, limits)
            ranked = self._ranker.rank_mixed(asked, rows, catalog, length=count, now_ms=now_ms, min_similarity=least)
            return ranked, ["words"] if words.is_missing else []
        try:
            rows = await self._find_similar(vectors, count, limits)
        except StateUnavailable as error:
            log.warning("index_unavailable", error=str(error))
            return [], ["index"]
        return self._ranker.rank(vectors, rows, catalog, length=count, now_ms=now_ms, min_similarity=least), []

    def _interaction(self, upload: Upload, record: Record) -> Message:
        """Return the event that updates the uploader's profile: only events.interactions changes profiles."""
        interaction = Interaction(
            event_id=f"upload-{event_key(upload):016x}",
            type="upload",
            user_id=upload.user_id,
            item_id=upload.item_id,
            occurred_at_ms=upload.occurred_at_ms,
        )
        topic, headers = self._namespace.topic(INTERACTIONS), (header_of(record),)
        return Message(topic, upload.user_id.encode(), encode(interaction), headers)


def _search_filter(query: Upload, excluded: Excluded) -> SearchFilter:
    only = query.only or Only()
    without = frozenset(map(key_of, only.exclude))
    attributes = tuple((only.attributes or {}).items())
    # What is no tag is on no picture.
    tag = None if only.tag is None else (named(only.tag) or only.tag)
    return SearchFilter(
        only.category, only.min_price, only.max_price, key_of(query.user_id), without, attributes, excluded, tag
    )


def _to_item(upload: Upload, record: Record, features: PictureFeatures, classes: Classes | None) -> Item:
    encoding = features.encoding
    said_ms = time_said(upload.occurred_at_ms, record.timestamp_ms)
    return Item(
        item_id=upload.item_id,
        changed_at_ms=said_ms,
        owner=upload.user_id,
        uploaded_at_ms=record.timestamp_ms,
        title=upload.title,
        description=upload.description,
        category=upload.category,
        price=upload.price,
        currency=upload.currency,
        in_stock=upload.in_stock is not False,
        expires_at_ms=upload.expires_at_ms,
        attributes=upload.attributes or None,
        tags=encoding.tags,
        colours=features.colours,
        embeddings={encoding.version: encoding.embedding.astype("<f2").tobytes()},
        # Items are in stock unless somebody says otherwise, so only this tells that the upload says it.
        times={"in_stock": said_ms} if upload.in_stock else {},
        kept_picture=features.kept,
        descriptors=features.descriptors,
        own_class=None if classes is None else classes.of(encoding.embedding, encoding.version),
        clip=features.clip,
    )
