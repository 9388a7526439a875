"""Stills and clips that are to find each other, in a catalogue of clips and other pictures, by the product's search."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.item import Item
from features.search_filter import SearchFilter
from features.vision.clips.clip import Clip
from features.vision.clips.containers import container_of
from features.vision.clips.decode import DecodedClip, decode_clip
from features.vision.decode import STRIP, decode
from features.vision.formats import BadImage
from inference.catalog.catalog import Catalog
from inference.catalog.search import find_similar
from inference.encoders.encoder import Encoding
from inference.encoders.pooling import pooled

SUFFIXES = (".mp4", ".webm", ".gif", ".mov")
#: uint8 pixels [n, 224, 224, 3] → unit embeddings float32 [n, d].
Embed = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
_ENCODER = "bench"
_BATCH = 32


class NoClips(ValueError):
    """There is nothing to measure with."""


@dataclass(frozen=True, slots=True)
class FoundClips:
    """Shares of the clips that are read, and why the others are refused, by file.

    `found_first`: a still from the middle finds its clip before all other items; `found_first_pooled`: so it would by
    the clips' pooled vectors alone. `still_found_first`: the clip finds its still before all other pictures. `ms` is
    the time to decode a clip and choose its frames, `frames` how many are chosen, both means.

    `kept_cosine` is the mean cosine of a clip's vector with that of its kept key frames, which take `kept_bytes` bytes,
    and `one_frame_cosine` that with its preview.
    """

    clips: int
    items: int
    found_first: float
    found_first_pooled: float
    still_found_first: float
    ms: float
    frames: float
    kept_cosine: float
    one_frame_cosine: float
    kept_bytes: int
    refused: Mapping[str, str]


@dataclass(slots=True)
class _Read:
    """The clips of a folder, a still of each, and the seconds that decoding them took."""

    clips: list[DecodedClip] = field(default_factory=list)
    stills: list[NDArray[np.uint8]] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


def measure_clips(folder: Path, others: NDArray[np.uint8], embed: Embed) -> FoundClips:
    """Measure with the clips in a folder, among other pictures uint8 [n, 224, 224, 3]; raises NoClips."""
    read = _read(folder)
    vectors = [embed(clip.frames) for clip in read.clips]
    wholes = [pooled([Encoding(each, (), _ENCODER) for each in frames]).embedding for frames in vectors]
    pairs = list(zip(wholes, vectors, strict=True))
    stills = [*embed(np.stack(read.stills))]
    rest = [vector for start in range(0, len(others), _BATCH) for vector in embed(others[start : start + _BATCH])]
    pictures = [_item(f"other-{n}", vector) for n, vector in enumerate(rest)]
    clips = [_item(f"clip-{n}", whole, frames) for n, (whole, frames) in enumerate(pairs)]
    without_frames = [_item(f"clip-{n}", whole) for n, whole in enumerate(wholes)]
    shown = [_item(f"still-{n}", still) for n, still in enumerate(stills)]
    return FoundClips(
        len(clips),
        len(clips) + len(pictures),
        _share_found([*clips, *pictures], stills, "clip"),
        _share_found([*without_frames, *pictures], stills, "clip"),
        _share_found([*shown, *pictures], [np.concatenate((whole[None], frames)) for whole, frames in pairs], "still"),
        round(1000 * read.seconds / len(clips), 1),
        round(float(np.mean([len(clip.frames) for clip in read.clips])), 1),
        *_kept(read.clips, wholes, embed),
        read.refused,
    )


def _kept(
    clips: Sequence[DecodedClip], wholes: Sequence[NDArray[np.float32]], embed: Embed
) -> tuple[float, float, int]:
    """The cosines with what is kept, of all key frames and of one frame, and the bytes of the key frames; means."""
    by_frames, by_one, sizes = [], [], []
    for clip, whole in zip(clips, wholes, strict=True):
        assert clip.kept is not None
        assert clip.kept.frames is not None
        vectors = embed(decode(clip.kept.frames, STRIP).views)
        by_frames.append(pooled([Encoding(each, (), _ENCODER) for each in vectors]).embedding @ whole)
        by_one.append(embed(decode(clip.kept.preview).pixels[None])[0] @ whole)
        sizes.append(len(clip.kept.frames))
    return round(float(np.mean(by_frames)), 3), round(float(np.mean(by_one)), 3), round(np.mean(sizes))


def _read(folder: Path) -> _Read:
    read = _Read()
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES:
            continue
        data, begun = path.read_bytes(), time.perf_counter()
        try:
            read.clips.append(decode_clip(data, keep="preview"))
        except BadImage as error:
            read.refused[path.name] = f"{error.reason}: {error}"
            continue
        read.seconds += time.perf_counter() - begun
        read.stills.append(decode(_middle(data)).pixels)
    if not read.clips:
        raise NoClips(f"{folder} has no clip that can be read: it needs files {', '.join(SUFFIXES)}")
    return read


def _share_found(items: Sequence[Item], queries: Sequence[NDArray[np.float32]], name: str) -> float:
    """The share of queries whose own item, by number, is the first answer."""
    catalog = Catalog(queries[0].shape[-1])
    catalog.apply([(item.item_id, item) for item in items])
    found = [asyncio.run(find_similar(catalog, query, 1, SearchFilter())) for query in queries]
    firsts = [catalog.item_ids[rows[0]] == f"{name}-{number}" for number, rows in enumerate(found)]
    return round(float(np.mean(firsts)), 3)


def _item(item_id: str, vector: NDArray[np.float32], frames: NDArray[np.float32] | None = None) -> Item:
    clip = None if frames is None else Clip(1000, _ENCODER, frames.astype("<f2").tobytes())
    embeddings = {_ENCODER: vector.astype("<f2").tobytes()}
    return Item(item_id, 1, uploaded_at_ms=1, embeddings=embeddings, clip=clip)


def _middle(data: bytes) -> bytes:
    """The frame in the middle of a clip as a JPEG, as a viewer would take it."""
    with av.open(BytesIO(data), mode="r", format=container_of(data)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    buffer = BytesIO()
    Image.fromarray(frames[len(frames) // 2].astype(np.uint8, copy=False)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
