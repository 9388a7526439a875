"""Consumes uploads: decodes and embeds pictures and clips, and passes them on as items. A query leaves nothing."""

import asyncio
from asyncio import Task
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from features.item import Item
from inference.catalog.catalog import Catalog
from inference.classes.file import Classes
from streams.errors import InvalidEvent
from streams.kafka.publisher import Publisher
from streams.metrics import CATEGORIES_FILLED, EVENTS
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import dead_letter, set_aside
from streams.processing.refusals import count_refused, or_refusal
from streams.processing.unknown_fields import note_unknown_fields
from streams.uploads.encoding_cache import PictureFeatures
from streams.uploads.gate import Gate
from streams.uploads.picture_features import FeatureExtractor
from streams.uploads.queries.answering import QueryAnswerer
from streams.wire.cloud_events import event_key
from streams.wire.events import Interaction, Upload, encode
from streams.wire.namespace import Namespace
from streams.wire.parsing import parse_upload, time_said
from streams.wire.records import Message, Record
from streams.wire.signals import SignalTopic, Uploaded
from streams.wire.topics import INTERACTIONS, RECOMMENDATIONS, UPLOADS
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
        queries: QueryAnswerer,
        catalog: Catalog,
        publisher: Publisher,
        signals: SignalTopic,
        breaker: Breaker,
        gate: Gate,
        *,
        namespace: Namespace,
        classes: Callable[[], Classes | None] = lambda: None,
    ) -> None:
        self._extractor = extractor
        self._queries = queries
        self._catalog = catalog
        self._publisher = publisher
        self._signals = signals
        self._breaker = breaker
        self._gate = gate
        self._namespace = namespace
        self._classes = classes

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
            answer = await (self._answer_query if upload.purpose == "query" else self._add_item)(upload, record)
        except InvalidEvent as error:
            return set_aside(record, error, namespace=self._namespace), None
        note_unknown_fields(record, Upload)
        EVENTS.labels(UPLOADS.name, upload.purpose, "applied").inc()
        return answer

    async def _answer_query(self, query: Upload, record: Record) -> tuple[list[Message], None]:
        answer = await self._queries.answer(query, record)
        return [Message(self._namespace.topic(RECOMMENDATIONS), query.user_id.encode(), encode(answer))], None

    async def _add_item(self, upload: Upload, record: Record) -> tuple[list[Message], Task[str | None] | None]:
        """The item that an upload describes, as the gate lets it through."""
        extracted = await self._extractor.extract(upload)
        item = _to_item(upload, record, extracted.features, self._classes())
        item = await self._gate.judge(item, extracted.features.judged, self._catalog)
        CATEGORIES_FILLED.inc(upload.category is None and item.own_class is not None)
        # Where the item's one writer refuses it, the header says of which upload the dead letter is.
        headers = (header_of(record),) if upload.as_owner else ()
        signal = self._signals.message(Uploaded(item, upload.as_owner), *headers)
        return [signal, self._interaction(upload, record)], extracted.writing

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
