"""Clips that are made here: a few scenes of one pattern each."""

from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

RED, GREEN, BLUE, BLACK = (200, 30, 40), (30, 160, 60), (40, 60, 210), (0, 0, 0)
Colour = tuple[int, int, int]


def scene(colour: Colour, width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """A frame with a bright square on the left, so that no two sides are alike."""
    frame = np.full((height, width, 3), colour, np.uint8)
    if colour != BLACK:
        frame[8:24, 8:24] = 250
    return frame


def clip(
    scenes: Sequence[NDArray[np.uint8]],
    *,
    container: str = "mp4",
    codec: str = "mpeg4",
    each: int = 5,
    rate: int = 10,
    times: Sequence[int] | None = None,
    group: int = 12,
) -> bytes:
    """A file in which each scene stands for `each` frames; `times` are in hundredths of a second, a frame each."""
    buffer = BytesIO()
    frames = [frame for frame in scenes for _ in range(each)]
    with av.open(buffer, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.gop_size = group
        stream.codec_context.time_base = Fraction(1, 100)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = times[number] if times is not None else number * 100 // rate
            frame.time_base = Fraction(1, 100)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return buffer.getvalue()


def gif(scenes: Sequence[NDArray[np.uint8]], ms: int = 100) -> bytes:
    """An animation in which each scene stands for so long."""
    first, *others = [Image.fromarray(frame) for frame in scenes]
    buffer = BytesIO()
    first.save(buffer, "GIF", save_all=True, append_images=others, duration=ms)
    return buffer.getvalue()


def sound() -> bytes:
    """An MP4 without any video."""
    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=44_100)
        for start in range(0, 10_240, 1_024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1_024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44_100, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return buffer.getvalue()


def lasting(data: bytes, seconds: int) -> bytes:
    """An MP4 whose headers say that it lasts so long (ISO/IEC 14496-12, sections 8.2.2 and 8.4.2)."""
    for box in (b"mvhd", b"mdhd"):
        # Behind the name: version and flags, two times, the units of a second, and the duration.
        at = data.index(box) + 4 + 12
        scale = int.from_bytes(data[at : at + 4], "big")
        data = data[: at + 4] + (seconds * scale).to_bytes(4, "big") + data[at + 8 :]
    return data


def turned(data: bytes) -> bytes:
    """An MP4 to be shown turned to the right by a quarter, as a phone that was held upright writes it."""
    at = data.index(b"tkhd") + 4 + 40
    one, minus = (1 << 16).to_bytes(4, "big"), (-(1 << 16)).to_bytes(4, "big", signed=True)
    matrix = bytes(4) + one + bytes(4) + minus + bytes(12) + bytes(4) + (1 << 30).to_bytes(4, "big")
    return data[:at] + matrix + data[at + 36 :]
