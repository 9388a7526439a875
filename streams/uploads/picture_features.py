"""An upload → the features of its picture: fetched, checked, decoded, encoded, and its colours named."""

import asyncio
import hashlib

import stamina

from features.vision.colours import dominant_colours
from features.vision.decode import Picture
from features.vision.formats import BadImage
from inference.encoders.encoder import Encoder, Encoding
from inference.errors import BadEmbedding, EncoderUnavailable
from streams.errors import InvalidEvent
from streams.metrics import StageTimer
from streams.processing.degradations import Reporter
from streams.retrying import until_available
from streams.uploads.decoder import Decode, DecoderUnavailable
from streams.uploads.encoding_cache import EncodingCache, PictureFeatures
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import ObjectMissing, Objects, ObjectsUnavailable
from streams.wire.events import Upload

OBJECT_ATTEMPTS = 6
#: Pictures in memory at a time: up to 20 MB each from an object store.
PICTURES_HELD = 32
#: A picture of this size is hashed in a thread.
LARGE_BYTES = 1 << 20


class FeatureExtractor:
    """Computes the features of pictures, several at once.

    It waits while the encoder is away, and `report_trouble` is called for each attempt that fails.
    """

    def __init__(
        self, encoder: Encoder, decode: Decode, objects: Objects, fetcher: Fetcher, report_trouble: Reporter
    ) -> None:
        self._encoder = encoder
        self._decode = decode
        self._objects = objects
        self._fetcher = fetcher
        self._report_trouble = report_trouble
        self._cache = EncodingCache()
        self._room = asyncio.Semaphore(PICTURES_HELD)

    async def extract(self, upload: Upload) -> PictureFeatures:
        """The features of an upload's picture; those of a query's picture are not kept. Raises InvalidEvent."""
        async with self._room:
            stages = StageTimer()
            data = await self._read(upload)
            sha256 = await _sha256(data)
            if upload.sha256 is not None and sha256.hex() != upload.sha256:
                raise InvalidEvent("checksum_mismatch", f"the picture's sha256 is not {upload.sha256}")
            stages.end("fetch")
            keep = upload.purpose == "catalog"
            return await self._cache.get_or_compute(
                sha256, self._encoder.version, lambda: self._compute(data), keep=keep
            )

    async def _compute(self, data: bytes) -> PictureFeatures:
        picture = await self._picture(data)
        encoding = await self._encode(picture)
        colours = tuple((colour.name, colour.share) for colour in dominant_colours(picture.pixels))
        return PictureFeatures(encoding, colours, picture.descriptors)

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

    async def _picture(self, data: bytes) -> Picture:
        stages = StageTimer()
        try:
            picture = await until_available(lambda: self._decode(data), DecoderUnavailable)
        except BadImage as error:
            raise InvalidEvent("bad_image", f"{error.reason}: {error}") from error
        stages.end("decode")
        return picture

    async def _encode(self, picture: Picture) -> Encoding:
        async def attempt() -> Encoding:
            try:
                return await self._encoder.encode(picture.pixels)
            except EncoderUnavailable as error:
                await self._report_trouble(error)
                raise

        stages = StageTimer()
        try:
            return await until_available(attempt, EncoderUnavailable)
        except BadEmbedding as error:
            raise InvalidEvent("bad_embedding", str(error)) from error
        finally:
            stages.end("encode")


async def _sha256(data: bytes) -> bytes:
    """In a thread where it takes long: 20 MB take about 20 ms, a call to a thread 0.05 ms."""
    if len(data) < LARGE_BYTES:
        return hashlib.sha256(data).digest()
    return (await asyncio.to_thread(hashlib.sha256, data)).digest()
