"""An upload → the features of its picture or clip: fetched, checked, decoded, encoded, and its colours named.

The picture of an item is kept meanwhile.
"""

import asyncio
import hashlib
from asyncio import Task
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias, TypeVar

import numpy as np
import stamina
from numpy.typing import NDArray

from features.vision.clips.clip import Clip
from features.vision.colours import dominant_colours
from features.vision.decode import Picture, Wanted
from features.vision.formats import BadImage
from features.vision.gate.judge import NOT_JUDGED, Judged
from features.vision.kept import KeptFiles
from features.vision.salience import salient_boxes, shows_nothing
from inference.encoders.encoder import Encoder, Encoding
from inference.encoders.pooling import mean_shares, pooled
from inference.errors import BadEmbedding
from sightline_client.events import BOXES_LIMIT, SALIENT
from streams.errors import InvalidEvent
from streams.metrics import StageTimer
from streams.objects.errors import ObjectMissing, ObjectsUnavailable
from streams.processing.degradations import Reporter, until_served
from streams.retrying import until_available
from streams.uploads.clip_decoder import DecodeClip
from streams.uploads.decoder import Decode
from streams.uploads.encoding_cache import EncodingCache, PictureFeatures
from streams.uploads.gate import Gate
from streams.uploads.image_fetcher import Fetcher
from streams.uploads.object_store import Objects
from streams.uploads.picture_keeper import PictureKeeper
from streams.uploads.process_pool import DecoderUnavailable
from streams.uploads.references import CLIP, PICTURE, Kind
from streams.wire.events import Box, Upload

T = TypeVar("T")
OBJECT_ATTEMPTS = 6
#: Pictures in memory at a time: up to 20 MB each from an object store.
PICTURES_HELD = 32
#: Clips in memory at a time: up to 50 MB each.
CLIPS_HELD = 4
#: A picture of this size is hashed in a thread.
LARGE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a decoder saw: `frames` uint8 [n, 224, 224, 3], one of a picture, more of a clip, which has a duration.

    `tiles` uint8 [m, t, 224, 224, 3] are those of the picture, or of some of the frames, where wanted.
    """

    frames: NDArray[np.uint8]
    tiles: NDArray[np.uint8] | None
    kept: KeptFiles | None
    descriptors: bytes | None
    duration_ms: int | None
    judged: Judged


_Look: TypeAlias = Callable[[Wanted], Awaitable[_Seen]]


@dataclass(frozen=True, slots=True)
class Extracted:
    """The features of a picture. `writing` is under way where it is kept; its result is None, or why it is not."""

    features: PictureFeatures
    writing: Task[str | None] | None


@dataclass(frozen=True, slots=True)
class SeenRegions:
    """What a query's picture shows in each of its boxes; None is the whole picture. `degraded`: what it lacks.

    A box that cannot be looked at is `refused`: by its place among the boxes, with the reason.
    """

    regions: Sequence[tuple[Box | None, PictureFeatures]]
    degraded: Sequence[str] = ()
    refused: Mapping[int, tuple[Box, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _File:
    data: bytes
    sha256: bytes
    is_clip: bool


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
        """The features of an item's picture, which is kept meanwhile. Raises InvalidEvent."""
        async with self._file(upload) as file:
            features = await self._features(file, self._keeper, is_item=True)
            look = partial(self._look, file)
            return Extracted(features, await self._writing(look, file.sha256.hex(), self._keeper))

    async def extract_regions(self, query: Upload) -> SeenRegions:
        """The features of the parts of a query's picture that it asks about; nothing is kept. Raises InvalidEvent."""
        async with self._file(query) as file:
            boxes, degraded = await self._boxes(query, file)
            if not boxes:
                return SeenRegions([(None, await self._features(file, None, is_item=False))], degraded)
            return await self._parts(file, boxes, degraded)

    @asynccontextmanager
    async def _file(self, upload: Upload) -> AsyncIterator[_File]:
        """An upload's file, read and checked, while there is room for it. Raises InvalidEvent."""
        is_clip = _is_clip(upload)
        async with self._clip_room if is_clip else self._room:
            stages = StageTimer()
            data = await self._read(upload)
            sha256 = await _sha256(data)
            if upload.sha256 is not None and sha256.hex() != upload.sha256:
                raise InvalidEvent("checksum_mismatch", f"the sha256 is not {upload.sha256}")
            stages.end("fetch")
            yield _File(data, sha256, is_clip)

    async def _boxes(self, query: Upload, file: _File) -> tuple[Sequence[Box], Sequence[str]]:
        """The boxes that a query asks about, none for the whole picture, and what cannot be had for it."""
        if query.box == SALIENT:
            return await self._salient(file)
        if query.box is not None:
            return (query.box,), ()
        return query.boxes or (), ()

    async def _salient(self, file: _File) -> tuple[Sequence[Box], Sequence[str]]:
        picture = await self._picture(file.data, Wanted(views=("squeezed",)))
        if shows_nothing(picture.pixels):
            return (), ()
        salience = await self._ask(lambda: self._encoder.salience(picture.pixels))
        if salience is None:
            return (), ("salience",)
        return salient_boxes(salience, picture.width, picture.height, limit=BOXES_LIMIT), ()

    async def _parts(self, file: _File, boxes: Sequence[Box], degraded: Sequence[str]) -> SeenRegions:
        """The parts of a picture, which is decoded once and encoded in one batch; nothing is cached."""
        picture = await self._picture(file.data, Wanted(views=tuple(boxes)))
        refused = {place: (boxes[place], _said(error)) for place, error in picture.refused.items()}
        seen = (box for place, box in enumerate(boxes) if place not in refused)
        each = zip(await self._encode(picture.views), picture.views, picture.descriptors, strict=True)
        features = [PictureFeatures(encoding, _colours(view), None, packed) for encoding, view, packed in each]
        return SeenRegions(list(zip(seen, features, strict=True)), degraded, refused)

    async def _features(self, file: _File, keeper: PictureKeeper | None, *, is_item: bool) -> PictureFeatures:
        look = partial(self._look, file)
        return await self._cache.get_or_compute(
            # The same file is something else as a clip.
            file.sha256 + bytes([file.is_clip]),
            self._encoder.version,
            lambda: self._compute(look, file.sha256.hex(), keeper, is_item),
            keep=is_item,
        )

    async def _compute(self, look: _Look, sha256: str, keeper: PictureKeeper | None, is_item: bool) -> PictureFeatures:
        keep, tiles = "none" if keeper is None else keeper.keep, is_item and self._gate.wants_tiles
        seen = await look(Wanted(keep, tiles=tiles))
        judged = await self._gate.admit(seen.judged, seen.frames, seen.tiles) if is_item else NOT_JUDGED
        kept = None
        if keeper is not None and seen.kept is not None:
            kept = keeper.name(sha256, seen.kept)
            keeper.write(sha256, seen.kept)
        frames = await self._encode(seen.frames)
        colours = [_colours(frame) for frame in seen.frames]
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
            seen = await look(Wanted(keeper.keep))
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

    async def _look(self, file: _File, wanted: Wanted) -> _Seen:
        """What there is to see in a file; raises InvalidEvent."""
        if not file.is_clip:
            picture = await self._picture(file.data, wanted)
            (descriptors,) = picture.descriptors
            tiles = None if picture.tiles is None else picture.tiles[None]
            return _Seen(picture.views, tiles, picture.kept, descriptors, None, picture.judged)
        decode_clip = self._decode_clip
        if decode_clip is None:
            raise InvalidEvent("video_unsupported", "this worker reads no clips: install sightline[clips] there")
        clip = await _decoded(lambda: decode_clip(file.data, wanted), CLIP)
        return _Seen(clip.frames, clip.tiles, clip.kept, clip.descriptors, clip.duration_ms, clip.judged)

    async def _picture(self, data: bytes, wanted: Wanted) -> Picture:
        return await _decoded(lambda: self._decode(data, wanted), PICTURE)

    async def _encode(self, frames: NDArray[np.uint8]) -> list[Encoding]:
        stages = StageTimer()
        try:
            return await self._ask(lambda: self._encoder.encode_all(frames))
        finally:
            stages.end("encode")

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """What the encoder answers, once it is there; raises InvalidEvent."""
        try:
            return await until_served(question, self._report_trouble)
        except BadEmbedding as error:
            raise InvalidEvent("bad_embedding", str(error)) from error


async def _decoded(decode: Callable[[], Awaitable[T]], kind: Kind) -> T:
    """What is decoded, once a process is there for it; raises InvalidEvent."""
    stages = StageTimer()
    try:
        return await until_available(decode, DecoderUnavailable)
    except BadImage as error:
        raise InvalidEvent(kind.reason, _said(error)) from error
    finally:
        stages.end("decode")


def _said(error: BadImage) -> str:
    return f"{error.reason}: {error}"


def _colours(frame: NDArray[np.uint8]) -> tuple[tuple[str, float], ...]:
    return tuple((each.name, each.share) for each in dominant_colours(frame))


def _is_clip(upload: Upload) -> bool:
    return upload.video is not None or upload.video_ref is not None


async def _sha256(data: bytes) -> bytes:
    """In a thread where it takes long: 20 MB take about 20 ms, a call to a thread 0.05 ms."""
    if len(data) < LARGE_BYTES:
        return hashlib.sha256(data).digest()
    return (await asyncio.to_thread(hashlib.sha256, data)).digest()
