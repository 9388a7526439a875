"""New pictures in: decoded, embedded, and passed on as items; a query's picture is answered and forgotten."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence

import numpy as np
import stamina
from numpy.typing import NDArray

from features.item import Item, key_of
from features.search_filter import NO_FILTER, SearchFilter
from features.vision.colours import dominant_colours
from features.vision.decode import BadImage, Picture
from inference.catalog.catalog import Catalog
from inference.catalog.search import FindSimilar
from inference.encoders.triton import Encoder, Encoding
from inference.errors import BadEmbedding, EncoderUnavailable
from inference.ranking.ranker import label
from inference.ranking.similar import SimilarRanker
from state.errors import StateUnavailable
from streams.errors import InvalidEvent
from streams.kafka.publisher import Message, Publisher
from streams.logs import log
from streams.metrics import EVENTS, RECOMMENDATIONS
from streams.processing.breaker import Breaker
from streams.processing.dead_letters import dead_letter
from streams.processing.degradations import Reporter
from streams.retrying import until_available
from streams.stages import Stages
from streams.uploads.decoder import Decode, DecoderUnavailable
from streams.uploads.encoding_cache import EncodingCache, PictureFeatures
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import ObjectMissing, Objects, ObjectsUnavailable
from streams.wire.events import Interaction, Recommendations, Trigger, Upload, encode
from streams.wire.parsing import Record, clamp_time, parse_upload
from streams.wire.signals import SignalTopic, Uploaded
from streams.wire.topics import INTERACTIONS, UPLOADS
from streams.wire.topics import RECOMMENDATIONS as TOPIC

OBJECT_ATTEMPTS = 6
#: Of 20 MB each, as an object store may have them.
PICTURES_HELD = 32
#: Of a picture that holds up others while it is hashed.
LARGE_BYTES = 1 << 20


class UploadsAgent:
    """Handles pictures, several at once. What it publishes may be published again: readers take the last or the first.

    While the encoder is away uploads wait in their topic, and `report_trouble` lets the lists say so.
    """

    def __init__(
        self,
        encoder: Encoder,
        decode: Decode,
        objects: Objects,
        fetcher: Fetcher,
        catalog: Catalog,
        find_similar: FindSimilar,
        publisher: Publisher,
        signals: SignalTopic,
        report_trouble: Reporter,
        breaker: Breaker,
        *,
        prefix: str,
        list_length: int,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._encoder = encoder
        self._decode = decode
        self._objects = objects
        self._fetcher = fetcher
        self._catalog = catalog
        self._ranker = SimilarRanker()
        self._find_similar = find_similar
        self._publisher = publisher
        self._signals = signals
        self._report_trouble = report_trouble
        self._breaker = breaker
        self._prefix = prefix
        self._length = list_length
        self._clock_ms = clock_ms
        self._pictures = EncodingCache()
        self._room = asyncio.Semaphore(PICTURES_HELD)

    async def answer(self, records: Sequence[Record]) -> list[Message]:
        """What becomes of a batch of events.uploads: items, answers and dead letters. Batches may overlap."""
        parsed = [_parse(record) for record in records]
        await self._breaker.check(len(parsed), sum(isinstance(upload, InvalidEvent) for upload in parsed))
        answers = await asyncio.gather(*map(self._answer, records, parsed))
        return [message for answer in answers for message in answer]

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish a batch's answer; call it in the order of the batches."""
        events = self._prefix + INTERACTIONS.name
        # In two steps: who learns of an upload from its event, and disowns the item, must come after the item.
        await self._publisher.publish([message for message in messages if message.topic != events])
        await self._publisher.publish([message for message in messages if message.topic == events])

    async def _answer(self, record: Record, upload: Upload | InvalidEvent) -> list[Message]:
        if isinstance(upload, InvalidEvent):
            return [dead_letter(record, upload, prefix=self._prefix)]
        try:
            async with self._room:
                look = await self._look(upload)
        except InvalidEvent as error:
            return [dead_letter(record, error, prefix=self._prefix)]
        EVENTS.labels(UPLOADS.name, upload.purpose, "applied").inc()
        if upload.purpose == "query":
            return [await self._similar(upload, record, look.encoding)]
        item = _item(upload, record, look)
        return [self._signals.message(Uploaded(item)), self._interaction(upload)]

    async def _look(self, upload: Upload) -> PictureFeatures:
        stages = Stages()
        data = await self._read(upload)
        sha256 = await _sha256(data)
        if upload.sha256 is not None and sha256.hex() != upload.sha256:
            raise InvalidEvent("checksum_mismatch", f"the picture's sha256 is not {upload.sha256}")
        stages.end("fetch")
        # A query's picture is not ours to keep anything of.
        keep = upload.purpose == "catalog"
        return await self._pictures.look(sha256, self._encoder.version, lambda: self._see(data), keep=keep)

    async def _see(self, data: bytes) -> PictureFeatures:
        picture = await self._picture(data)
        encoding = await self._encode(picture)
        colours = tuple((colour.name, colour.share) for colour in dominant_colours(picture.pixels))
        return PictureFeatures(encoding, colours)

    async def _picture(self, data: bytes) -> Picture:
        stages = Stages()
        try:
            picture = await until_available(lambda: self._decode(data), DecoderUnavailable)
        except BadImage as error:
            raise InvalidEvent("bad_image", f"{error.reason}: {error}") from error
        stages.end("decode")
        return picture

    async def _read(self, upload: Upload) -> bytes:
        if upload.image is not None:
            return upload.image
        if upload.image_ref is None:
            raise InvalidEvent("video_unsupported", "video_ref is not supported yet: send a picture of the clip")
        source = self._fetcher if upload.image_ref.lower().startswith("https://") else self._objects
        try:
            async for attempt in stamina.retry_context(
                on=(ObjectMissing, ObjectsUnavailable), attempts=OBJECT_ATTEMPTS, timeout=60.0, wait_initial=0.1
            ):
                with attempt:
                    return await source.read(upload.image_ref)
        except ObjectMissing as error:
            raise InvalidEvent("object_missing", str(error)) from error
        except ObjectsUnavailable as error:
            raise InvalidEvent("object_unavailable", str(error)) from error
        raise AssertionError("unreachable: the last attempt raises. This is a bug.")

    async def _encode(self, picture: Picture) -> Encoding:
        async def attempt() -> Encoding:
            try:
                return await self._encoder.encode(picture.pixels)
            except EncoderUnavailable as error:
                await self._report_trouble(error)
                raise

        stages = Stages()
        try:
            return await until_available(attempt, EncoderUnavailable)
        except BadEmbedding as error:
            raise InvalidEvent("bad_embedding", str(error)) from error
        finally:
            stages.end("encode")

    async def _similar(self, upload: Upload, record: Record, encoding: Encoding) -> Message:
        rows, degraded = await self._find(upload, encoding)
        now_ms = self._clock_ms()
        items = self._ranker.rank(encoding.embedding, rows, self._catalog, length=self._length, now_ms=now_ms)
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
            model={"encoder": encoding.version, "ranker": label(self._ranker)},
            timings_ms={"total": float(max(now_ms - record.timestamp_ms, 0))},
        )
        return Message(self._prefix + TOPIC.name, upload.user_id.encode(), encode(answer))

    async def _find(self, upload: Upload, encoding: Encoding) -> tuple[NDArray[np.int64], list[str]]:
        """The rows that look most like a query's picture, and what had to be done without."""
        if encoding.version != self._catalog.encoder:
            return np.zeros(0, np.int64), []
        only = upload.only
        where = NO_FILTER if only is None else SearchFilter(only.category, only.min_price, only.max_price)
        try:
            return await self._find_similar(encoding.embedding, 2 * self._length, where), []
        except StateUnavailable as error:
            log.warning("index_unavailable", error=str(error))
            return np.zeros(0, np.int64), ["index"]

    def _interaction(self, upload: Upload) -> Message:
        """The uploader's own profile moves by the one topic that moves profiles."""
        interaction = Interaction(
            event_id=f"upload-{key_of(upload.event_id):016x}",
            type="upload",
            user_id=upload.user_id,
            item_id=upload.item_id,
            occurred_at_ms=upload.occurred_at_ms,
        )
        return Message(self._prefix + INTERACTIONS.name, upload.user_id.encode(), encode(interaction))


async def _sha256(data: bytes) -> bytes:
    """In a thread where it takes long: 20 MB as many milliseconds, and to ask a thread a twentieth of one."""
    if len(data) < LARGE_BYTES:
        return hashlib.sha256(data).digest()
    return (await asyncio.to_thread(hashlib.sha256, data)).digest()


def _parse(record: Record) -> Upload | InvalidEvent:
    try:
        return parse_upload(record)
    except InvalidEvent as error:
        return error


def _item(upload: Upload, record: Record, look: PictureFeatures) -> Item:
    encoding = look.encoding
    return Item(
        item_id=upload.item_id,
        changed_at_ms=clamp_time(upload.occurred_at_ms, record.timestamp_ms),
        owner=upload.user_id,
        uploaded_at_ms=record.timestamp_ms,
        title=upload.title,
        description=upload.description,
        category=upload.category,
        price=upload.price,
        currency=upload.currency,
        in_stock=upload.in_stock,
        expires_at_ms=upload.expires_at_ms,
        tags=encoding.tags,
        colours=look.colours,
        embedding=encoding.embedding.astype("<f2").tobytes(),
        encoder=encoding.version,
    )
