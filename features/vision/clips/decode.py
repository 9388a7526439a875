"""Decodes an untrusted clip to its key frames, or refuses it with a reason (docs/clips.md)."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import count
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from features.vision.clips.clip import MOST_FRAMES, MOST_TILED
from features.vision.clips.containers import MOST_MISSING, Container, container_of
from features.vision.clips.key_frames import SIDE, KeyFrames
from features.vision.decode import middle_square, tiled
from features.vision.formats import MAX_ASPECT, BadImage
from features.vision.gate.clips import faults_of
from features.vision.gate.judge import NOT_JUDGED, Judged, judge
from features.vision.gate.views import reduced
from features.vision.grounds import PLAIN, contrast
from features.vision.kept import FULL_SIDE, KeptFiles, kept_files, strip
from features.vision.kept_picture import Keep
from features.vision.opening import PILLOW_ERRORS
from features.vision.pixels import plain, shown
from features.vision.shrink import size_within

#: Pixels of a frame: 4096 × 2304.
MAX_PIXELS: Final = 9_437_184
#: The longest clip, by its frames: whatever the header says.
MAX_SECONDS: Final = 600.0
#: What is decoded of one clip, at most; of a longer one, frames that need no others, evenly.
MAX_DECODED: Final = 600
MAX_DECODED_PIXELS: Final = 300_000_000
#: With fewer frames that need no others, the first frames of a clip stand for it.
_LEAST_STARTS: Final = 4
_CODECS: Final = ("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "gif")


@dataclass(frozen=True, slots=True)
class DecodedClip:
    """`frames` uint8 [n, size, size, 3], the key frames as `features.vision.decode` gives pictures; 1 ≤ n ≤ 16.

    Width and height are those of the upright clip; `kept` is what is to be kept of the first frame that shows anything
    and of all key frames. `judged` has the faults that the gate finds in the frames, and the hashes of each, one after
    the other. `tiles` uint8 [m, t, size, size, 3] are those of up to MOST_TILED key frames, where wanted.
    """

    frames: NDArray[np.uint8]
    width: int
    height: int
    format: Container
    duration_ms: int
    kept: KeptFiles | None = None
    judged: Judged = NOT_JUDGED
    tiles: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class _Frame:
    square: Image.Image
    #: As the gate looks at it.
    reduced: Image.Image
    #: Of at most FULL_SIDE pixels a side, where something is to be kept or tiles are wanted.
    whole: Image.Image | None


@dataclass(frozen=True, slots=True)
class _Packets:
    """Of a clip's packets: how many there are, which can be decoded without others, and the seconds that they span."""

    total: int
    starts: list[int]
    seconds: float


def decode_clip(data: bytes, *, size: int = 224, keep: Keep = "none", tiles: bool = False) -> DecodedClip:
    """The key frames of a clip; raises BadImage. What is chosen depends on the file alone, never on the time it takes.

    The packets are counted before any is decoded, so what the header says of them is not believed.
    """
    container = container_of(data)
    with _refusals(container):
        with _opened(data, container) as (file, stream):
            packets = _packets(file, stream)
        with _opened(data, container) as (file, stream):
            frames, decoded = _key_frames(file, stream, _wanted(packets, stream), size, tiles or keep != "none")
    if not frames:
        raise BadImage("no_video", f"the {container} file has no frame that can be shown: send one with a picture")
    # A fade from black says nothing of the clip.
    telling = [frame for frame in frames if contrast(frame.square) >= PLAIN] or frames
    first = telling[0].whole
    squares = np.stack([np.asarray(frame.square, np.uint8) for frame in telling])
    return DecodedClip(
        squares,
        *decoded,
        container,
        max(round(1000 * packets.seconds), 1),
        _kept(first, squares, keep) if first is not None and keep != "none" else None,
        _together([judge(frame.reduced, decoded) for frame in telling]),
        _tiles([frame.whole for frame in telling if frame.whole is not None], size) if tiles else None,
    )


def _tiles(frames: Sequence[Image.Image], size: int) -> NDArray[np.uint8]:
    """The tiles of some of the frames, uint8 [m, t, size, size, 3], all looked at in the size of the first."""
    places = np.linspace(0, len(frames) - 1, min(len(frames), MOST_TILED)).round().astype(int).tolist()
    chosen = [frames[place].resize(frames[0].size) for place in places]
    return np.stack([tiled(each, plain(each) or each, size) for each in chosen])


def _kept(first: Image.Image, squares: NDArray[np.uint8], keep: Keep) -> KeptFiles:
    return replace(kept_files(first, plain(first), keep), frames=strip(squares))


def _together(frames: Sequence[Judged]) -> Judged:
    return Judged(faults_of(frames), b"".join(each.hashes for each in frames))


@contextmanager
def _opened(data: bytes, container: Container) -> Iterator[tuple[InputContainer, VideoStream]]:
    # The demuxer is named: others of FFmpeg read playlists, which name files and addresses.
    with av.open(BytesIO(data), mode="r", format=container) as file:
        if not file.streams.video:
            raise BadImage("no_video", f"the {container} file has no video: it may be sound alone")
        yield file, file.streams.video[0]


def _packets(file: InputContainer, stream: VideoStream) -> _Packets:
    """Count the packets; raises BadImage for a clip that is too long, of another codec, or cut short."""
    _check(stream)
    starts, total, first, last = [], 0, None, 0.0
    try:
        for packet in file.demux(stream):
            if packet.size == 0 or packet.pts is None or packet.time_base is None:
                continue
            begins = float(packet.pts * packet.time_base)
            first = begins if first is None else min(first, begins)
            last = max(last, begins + float((packet.duration or 0) * packet.time_base))
            _check_seconds(last - first)
            starts += [total] if packet.is_keyframe else []
            total += 1
    except FFmpegError:
        if not stream.frames:
            raise
    if total < stream.frames * (1 - MOST_MISSING):
        raise BadImage("truncated", f"{stream.frames - total:,} of {stream.frames:,} frames are missing: send them all")
    return _Packets(total, starts, last - (first or 0.0))


def _check(stream: VideoStream) -> None:
    codec, width, height = stream.codec_context, stream.width, stream.height
    if codec.name not in _CODECS:
        raise BadImage("format", f"the clip is coded as {codec.name}: send one of {', '.join(_CODECS)}")
    if width * height > MAX_PIXELS:
        raise BadImage("too_many_pixels", f"the clip is {width}×{height}, over {MAX_PIXELS:,} pixels: scale it")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadImage("aspect", f"the clip is {width}×{height}: send at most {MAX_ASPECT} to 1")
    # What the header says of the size binds the frames only so.
    codec.options = {"max_pixels": str(MAX_PIXELS)}
    codec.thread_count = 1


def _check_seconds(seconds: float) -> None:
    if seconds > MAX_SECONDS:
        raise BadImage("too_long", f"the clip takes {seconds:,.0f} s: send at most {MAX_SECONDS:,.0f} s of it")


def _wanted(packets: _Packets, stream: VideoStream) -> Collection[int]:
    """The numbers of the packets to decode."""
    most = max(min(MAX_DECODED, MAX_DECODED_PIXELS // max(stream.width * stream.height, 1)), 1)
    if packets.total <= most or len(packets.starts) < _LEAST_STARTS:
        return range(min(packets.total, most))
    places = np.linspace(0, len(packets.starts) - 1, min(most, len(packets.starts))).round().astype(int)
    return {packets.starts[place] for place in places.tolist()}


def _key_frames(
    file: InputContainer, stream: VideoStream, wanted: Collection[int], size: int, whole: bool
) -> tuple[list[_Frame], tuple[int, int]]:
    """The chosen frames, with all of each if that is wanted `whole`, and width and height of the upright clip."""
    _check(stream)
    chosen: KeyFrames[_Frame] = KeyFrames(MOST_FRAMES)
    upright = (stream.width, stream.height)
    for frame in _decoded(file, stream, wanted):
        if frame.rotation % 180:
            upright = (stream.height, stream.width)
        small = frame.reformat(width=SIDE, height=SIDE, format="rgb24").to_ndarray()
        chosen.offer(small.astype(np.uint8, copy=False), _maker(frame, size, whole))
    return chosen.frames, upright


def _decoded(file: InputContainer, stream: VideoStream, wanted: Collection[int]) -> Iterator[VideoFrame]:
    """The frames of some packets; a clip of which more than MOST_MISSING cannot be decoded is broken."""
    failed, numbers = 0, count()
    for packet in file.demux(stream):
        is_end = packet.size == 0
        if not is_end and (packet.pts is None or next(numbers) not in wanted):
            continue
        try:
            yield from stream.decode(packet)
        except FFmpegError as error:
            failed += 1
            if failed > MOST_MISSING * len(wanted):
                raise BadImage("broken", f"{failed} frames cannot be decoded ({error}): save the clip again") from error
        if is_end:
            return


def _maker(frame: VideoFrame, size: int, whole: bool) -> Callable[[], _Frame | None]:
    def make() -> _Frame | None:
        has_alpha = any(component.is_alpha for component in frame.format.components)
        width, height = size_within((frame.width, frame.height), FULL_SIDE)
        image = Image.fromarray(frame.to_ndarray(format="rgba" if has_alpha else "rgb24", width=width, height=height))
        if frame.rotation:
            image = image.rotate(frame.rotation, expand=True)
        square, seen = shown(image, lambda pixels: middle_square(pixels, size)), shown(image, reduced)
        if square is None or seen is None:
            return None
        return _Frame(square, seen, image if whole else None)

    return make


@contextmanager
def _refusals(container: Container) -> Iterator[None]:
    try:
        yield
    except BadImage:
        raise
    except MemoryError as error:
        raise BadImage("too_much_memory", f"decoding the {container} file takes too much memory: scale it") from error
    except (FFmpegError, *PILLOW_ERRORS) as error:
        raise BadImage("broken", f"the {container} file cannot be decoded ({error}): save it again") from error
