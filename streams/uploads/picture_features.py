"""An upload → the features of its picture or clip: fetched, checked, decoded, encoded, and its colours named.

The picture of an item is kept meanwhile.
"""

import asyncio
import hashlib
from asyncio import Task
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import stamina
from numpy.typing import NDArray

from features.vision.clips.clip import Clip
from features.vision.colours import dominant_colours
from features.vision.formats import BadImage
from features.vision.gate.judge import NOT_JUDGED, Judged
from features.vision.kept import KeptFiles
from features.vision.kept_picture import Keep
from inference.encoders.encoder import Encoder, Encoding
from inference.encoders.pooling import mean_shares, pooled
from inference.errors import BadEmbedding, EncoderUnavailable
from streams.errors import InvalidEvent
from streams.metrics import StageTimer
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.processing.degradations import Reporter
from streams.retrying import until_available
from streams.uploads.clip_decoder import DecodeClip
from streams.uploads.decoder import Decode
from streams.uploads.encoding_cache import EncodingCache, PictureFeatures
from streams.uploads.gate import Gate
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import Objects
from streams.uploads.picture_keeper import PictureKeeper
from streams.uploads.process_pool import DecoderUnavailable
from streams.uploads.references import CLIP, PICTURE
from streams.wire.events import Box, Upload

OBJECT_ATTEMPTS = 6
#: Pictures in memory at a time: up to 20 MB each from an object store.
PICTURES_HELD = 32
#: Clips in memory at a time: up to 50 MB each.
CLIPS_HELD = 4
#: A picture of this size is hashed in a thread.
LARGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a decoder saw: `frames` uint8 [n, 224, 224, 3], one of a picture, more of a clip, which has a duration."""

    frames: NDArray[np.uint8]
    kept: KeptFiles | None
    descriptors: bytes | None
    duration_ms: int | None
    judged: Judged


_Look: TypeAlias = Callable[[Keep], Awaitable[_Seen]]


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
        decode_clip: DecodeClip | None = None,
    ) -> None:
        self._encoder = encoder
        self._decode = decode
        self._decode_clip = decode_clip
        self._objects = objects
        self._fetcher = fetcher
        self._report_trouble = report_trouble
        self._keeper = keeper
        self._gate = gate
        self._cache = EncodingCache()
        self._room = asyncio.Semaphore(PICTURES_HELD)
        self._clip_room = asyncio.Semaphore(CLIPS_HELD)

    async def extract(self, upload: Upload) -> Extracted:
        """The features of an upload's picture; of a query's picture nothing is kept. Raises InvalidEvent."""
        async with self._clip_room if _is_clip(upload) else self._room:
            stages = StageTimer()
            data = await self._read(upload)
            sha256 = await _sha256(data)
            if upload.sha256 is not None and sha256.hex() != upload.sha256:
                raise InvalidEvent("checksum_mismatch", f"the sha256 is not {upload.sha256}")
            stages.end("fetch")
            is_item = upload.purpose == "catalog"
            keeper = self._keeper if is_item else None
            look = partial(self._look, data, upload.box, is_clip=_is_clip(upload))
            features = await self._cache.get_or_compute(
                # The same file is something else as a clip, or in part.
                sha256 + repr((_is_clip(upload), upload.box)).encode(),
                self._encoder.version,
                lambda: self._compute(look, sha256.hex(), keeper, is_item),
                keep=is_item,
            )
            return Extracted(features, await self._writing(look, sha256.hex(), keeper))

    async def _compute(self, look: _Look, sha256: str, keeper: PictureKeeper | None, is_item: bool) -> PictureFeatures:
        seen = await look("none" if keeper is None else keeper.keep)
        judged = await self._gate.admit(seen.judged, seen.frames) if is_item else NOT_JUDGED
        kept = None
        if keeper is not None and seen.kept is not None:
            kept = keeper.name(sha256, seen.kept)
            keeper.write(sha256, seen.kept)
        frames = await self._encode(seen.frames)
        colours = [tuple((each.name, each.share) for each in dominant_colours(frame)) for frame in seen.frames]
        if seen.duration_ms is None:
            return PictureFeatures(frames[0], colours[0], kept, seen.descriptors, judged)
        vectors = np.stack([each.embedding for each in frames]).astype("<f2").tobytes()
        clip = Clip(seen.duration_ms, frames[0].version, vectors)
        return PictureFeatures(pooled(frames), mean_shares(colours), kept, seen.descriptors, judged, clip)

    async def _writing(self, look: _Look, sha256: str, keeper: PictureKeeper | None) -> Task[str | None] | None:
        """The write under way. A picture whose features were cached may have been written too long ago, or never."""
        if keeper is None:
            return None
        if not keeper.is_fresh(sha256):
            seen = await look(keeper.keep)
            if seen.kept is not None:
                keeper.write(sha256, seen.kept)
        return keeper.writing(sha256)

    async def _read(self, upload: Upload) -> bytes:
        if (sent := upload.image if upload.image is not None else upload.video) is not None:
            return sent
        kind, key = (PICTURE, upload.image_ref) if upload.video_ref is None else (CLIP, upload.video_ref)
        assert key is not None, "an upload has one of four. This is a bug."
        source = self._fetcher if key.lower().startswith("https://") else self._objects
        try:
            async for attempt in stamina.retry_context(
                on=(ObjectMissing, ObjectsUnavailable), attempts=OBJECT_ATTEMPTS, timeout=60.0, wait_initial=0.1
            ):
                with attempt:
                    return await source.read(key, kind)
        except ObjectMissing as error:
            raise InvalidEvent("object_missing", str(error)) from error
        except ObjectsUnavailable as error:
            raise InvalidEvent("object_unavailable", str(error)) from error
        raise AssertionError("unreachable: the last attempt raises. This is a bug.")

    async def _look(self, data: bytes, box: Box | None, keep: Keep, *, is_clip: bool) -> _Seen:
        """What there is to see in a file; raises InvalidEvent."""
        stages, decode_clip = StageTimer(), self._decode_clip
        try:
            if not is_clip:
                picture = await until_available(lambda: self._decode(data, keep, box), DecoderUnavailable)
                return _Seen(picture.pixels[None], picture.kept, picture.descriptors, None, picture.judged)
            if decode_clip is None:
                raise InvalidEvent("video_unsupported", "this worker reads no clips: install sightline[clips] there")
            clip = await until_available(lambda: decode_clip(data, keep), DecoderUnavailable)
            return _Seen(clip.frames, clip.kept, clip.descriptors, clip.duration_ms, clip.judged)
        except BadImage as error:
            raise InvalidEvent((CLIP if is_clip else PICTURE).reason, f"{error.reason}: {error}") from error
        finally:
            stages.end("decode")

    async def _encode(self, frames: NDArray[np.uint8]) -> list[Encoding]:
        async def attempt() -> list[Encoding]:
            try:
                return await self._encoder.encode_all(frames)
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


def _is_clip(upload: Upload) -> bool:
    return upload.video is not None or upload.video_ref is not None


async def _sha256(data: bytes) -> bytes:
    """In a thread where it takes long: 20 MB take about 20 ms, a call to a thread 0.05 ms."""
    if len(data) < LARGE_BYTES:
        return hashlib.sha256(data).digest()
    return (await asyncio.to_thread(hashlib.sha256, data)).digest()
