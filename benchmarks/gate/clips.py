"""Which copies of clips are found, and which clips are taken for copies of others, from their files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

import av
import numpy as np
from PIL import Image, ImageOps

from benchmarks.gate.changes import bordered, captioned, cropped, scaled
from benchmarks.gate.faults import Change, exposed
from benchmarks.retrieval.album import read_files
from benchmarks.retrieval.clips import SUFFIXES, NoClips
from features.vision.clips.containers import container_of
from features.vision.clips.decode import decode_clip
from features.vision.decode import decode
from features.vision.formats import BadImage
from features.vision.gate.clip_hashes import asked_of_clip, kept_of_clip
from features.vision.gate.picture_hash import HASH_BYTES, asked_of
from inference.catalog.clips.hashes import ClipHashes, copied_clips
from inference.catalog.copied_pictures import nearest_copy, readable_hashes

#: What people do to a clip that they upload again; each is coded anew as MPEG-4.
CHANGES: Final[dict[str, Change]] = {
    "coded_again": lambda image: image,
    "half_size": partial(scaled, across=0.5, down=0.5),
    "mirrored": ImageOps.mirror,
    "cropped_4": partial(cropped, share=0.04),
    "bordered_6": partial(bordered, share=0.06),
    "captioned": captioned,
    "darker": partial(exposed, factor=0.7),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
}
#: Frames that a slide stands for, and frames a second.
_EACH: Final = 5
_RATE: Final = 10
#: Pixels of a side of the frames, at most.
_SIDE: Final = 480
#: Photos in a clip of slides.
_SLIDES: Final = 3


@dataclass(frozen=True, slots=True)
class ClipCopies:
    """Shares of the `clips` whose copies are found, by change; `cut` is without its last third.

    `false_merges` counts clips, changed or not, that were taken for a copy of another one, of `compared`; `stills` how
    many first frames were taken, as pictures, for copies of their clips. `of_slides` says the same of clips that are
    made of photos, all of which begin with one title.
    """

    clips: int
    found: dict[str, float]
    false_merges: int
    compared: int
    stills: int
    of_slides: "ClipCopies | None" = None


def measure_clip_copies(folder: Path, among: Path | None, slides: int) -> ClipCopies:
    """Measure with the clips in a folder, and with at most `slides` clips of the photos of an album.

    Raises NoClips, UnreadableAlbum.
    """
    files = [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    clips = [frames for data in files if (frames := _frames(data)) is not None]
    if not clips:
        raise NoClips(f"{folder} has no clip that can be read: it needs files {', '.join(SUFFIXES)}")
    files = [] if among is None else read_files(among, "labels.csv")[0]
    photos = [decode(file).pixels for file in files[: 1 + slides * _SLIDES]]
    shown = [photos[start : start + _SLIDES] for start in range(1, len(photos) - _SLIDES + 1, _SLIDES)]
    made = [[Image.fromarray(photo) for photo in (photos[0], *each) for _ in range(_EACH)] for each in shown]
    own = _measure(clips)
    return replace(own, of_slides=_measure(made) if made else None)


def _measure(clips: Sequence[Sequence[Image.Image]]) -> ClipCopies:
    known = _Known([_hashes(_written(clip)) for clip in clips])
    found: dict[str, float] = {}
    for name, change in CHANGES.items():
        found[name] = known.share_found([_written([change(frame) for frame in clip]) for clip in clips])
    found["cut"] = known.share_found([_written(clip[: max(2 * len(clip) // 3, 1)]) for clip in clips])
    return ClipCopies(len(clips), found, known.false_merges, known.compared, known.stills)


class _Known:
    """Clips as a catalogue has them, by number, and what was taken for a copy of which."""

    def __init__(self, clips: Sequence[bytes]) -> None:
        self._clips = ClipHashes()
        self.false_merges = self.compared = 0
        for number, hashes in enumerate(clips):
            self._clips.put(number, kept_of_clip(hashes))
        self.stills = sum(self._has_still(hashes, number) for number, hashes in enumerate(clips))
        for number, hashes in enumerate(clips):
            self._compare(hashes, number)

    def share_found(self, changed: Sequence[bytes]) -> float:
        """How many of the clips, changed, are found as copies of what they were."""
        return round(float(np.mean([self._compare(_hashes(data), number) for number, data in enumerate(changed)])), 3)

    def _compare(self, hashes: bytes, own: int) -> bool:
        """Whether a clip is taken for a copy of its `own`; that of another is noted."""
        rows = copied_clips(asked_of_clip(hashes), self._clips.all()).tolist()
        self.compared += 1
        self.false_merges += any(row != own for row in rows)
        return own in rows

    def _has_still(self, hashes: bytes, number: int) -> bool:
        """Whether the first frame of a clip, as a picture, is taken for a copy of the clip."""
        row = readable_hashes(self._clips.kept(number))[None]
        return nearest_copy(asked_of(hashes[:HASH_BYTES]), row, np.zeros(1, np.int64)) is not None


def _frames(data: bytes) -> list[Image.Image] | None:
    """All frames of a clip, of at most _SIDE pixels a side; None of one that the product refuses."""
    try:
        decode_clip(data)
    except BadImage:
        return None
    with av.open(BytesIO(data), mode="r", format=container_of(data)) as file:
        frames = [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in file.decode(video=0)]
    return [ImageOps.contain(Image.fromarray(each), (_SIDE, _SIDE)) for each in frames]


def _written(frames: Sequence[Image.Image]) -> bytes:
    """The frames as a file, of even width and height."""
    buffer, (width, height) = BytesIO(), (side // 2 * 2 for side in frames[0].size)
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("mpeg4", rate=_RATE)
        assert isinstance(stream, av.VideoStream), "mpeg4 is a codec of videos"
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = 2_000_000
        stream.codec_context.time_base = Fraction(1, _RATE)
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.asarray(image.crop((0, 0, width, height))), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, _RATE)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return buffer.getvalue()


def _hashes(data: bytes) -> bytes:
    return decode_clip(data).judged.hashes
