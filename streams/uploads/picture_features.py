"""An upload → the features of its picture: fetched, checked, decoded, encoded, and its colours named.

The picture of an item is kept meanwhile.
"""

import asyncio
import hashlib
from asyncio import Task
from dataclasses import dataclass

import stamina

from features.vision.colours import dominant_colours
from features.vision.decode import Picture
from features.vision.formats import BadImage
from features.vision.kept_picture import Keep
from inference.encoders.encoder import Encoder, Encoding
from inference.errors import BadEmbedding, EncoderUnavailable
from streams.errors import InvalidEvent
from streams.metrics import StageTimer
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.processing.degradations import Reporter
from streams.retrying import until_available
from streams.uploads.decoder import Decode, DecoderUnavailable
from streams.uploads.encoding_cache import EncodingCache, PictureFeatures
from streams.uploads.gate import Gate
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import Objects
from streams.uploads.picture_keeper import PictureKeeper
from streams.wire.events import Upload

OBJECT_ATTEMPTS = 6
#: Pictures in memory at a time: up to 20 MB each from an object store.
PICTURES_HELD = 32
#: A picture of this size is hashed in a thread.
LARGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Extracted:
    """The features of a picture. `writing` is under way where it is kept; its result is None, or why it is not."""

    features: PictureFeatures
    writing: Task[str | None] | None


class FeatureExtractor:
    """Computes the features of pictures, several at once.

    It waits while the encoder is away, and `report_trouble` is called for each attempt that fails.
    """

    def __init__(
        self,
        encoder: Encoder,
        decode: Decode,
        objects: Objects,
        fetcher: Fetcher,
        report_trouble: Reporter,
        keeper: PictureKeeper | None,
        gate: Gate,
    ) -> None:
        self._encoder = encoder
        self._decode = decode
        self._objects = objects
        self._fetcher = fetcher
        self._report_trouble = report_trouble
        self._keeper = keeper
        self._gate = gate
        self._cache = EncodingCache()
        self._room = asyncio.Semaphore(PICTURES_HELD)

    async def extract(self, upload: Upload) -> Extracted:
        """The features of an upload's picture; of a query's picture nothing is kept. Raises InvalidEvent."""
        async with self._room:
            stages = StageTimer()
            data = await self._read(upload)
            sha256 = await _sha256(data)
            if upload.sha256 is not None and sha256.hex() != upload.sha256:
                raise InvalidEvent("checksum_mismatch", f"the picture's sha256 is not {upload.sha256}")
            stages.end("fetch")
            is_item = upload.purpose == "catalog"
            keeper = self._keeper if is_item else None
            features = await self._cache.get_or_compute(
                sha256, self._encoder.version, lambda: self._compute(data, sha256.hex(), keeper, is_item), keep=is_item
            )
            return Extracted(features, await self._writing(data, sha256.hex(), keeper))

    async def _compute(self, data: bytes, sha256: str, keeper: PictureKeeper | None, is_item: bool) -> PictureFeatures:
        picture = await self._picture(data, "none" if keeper is None else keeper.keep)
        if is_item:
            self._gate.refuse(picture.judged.faults)
        kept = None
        if keeper is not None and picture.kept is not None:
            kept = keeper.name(sha256, picture.kept)
            keeper.write(sha256, picture.kept)
        encoding = await self._encode(picture)
        colours = tuple((colour.name, colour.share) for colour in dominant_colours(picture.pixels))
        return PictureFeatures(encoding, colours, kept, picture.descriptors, picture.judged)

    async def _writing(self, data: bytes, sha256: str, keeper: PictureKeeper | None) -> Task[str | None] | None:
        """The write under way. A picture whose features were cached may have been written too long ago, or never."""
        if keeper is None:
            return None
        if not keeper.is_fresh(sha256):
            picture = await self._picture(data, keeper.keep)
            if picture.kept is not None:
                keeper.write(sha256, picture.kept)
        return keeper.writing(sha256)

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

    async def _picture(self, data: bytes, keep: Keep) -> Picture:
        stages = StageTimer()
        try:
            picture = await until_available(lambda: self._decode(data, keep), DecoderUnavailable)
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
