"""Makes a picture small enough to travel within an event, and plain enough for any version of the other side."""

from functools import partial
from io import BytesIO

from PIL import Image

from features.vision.formats import BadImage, check_aspect, check_size, sniff
from features.vision.frames import most_to_see
from features.vision.opening import see
from features.vision.pixels import shown

#: The encoder looks at 224 × 224; this leaves room for an encoder that looks at more.
SIDE = 1024
#: The largest file that is worth to be read; a photo of 50 million pixels takes up to 30 MB.
MAX_FILE_BYTES = 100_000_000
_QUALITIES = (90, 75, 50)
#: Formats that every version of the workers reads.
_PLAIN = ("JPEG", "PNG", "WEBP", "GIF")


def fitting(data: bytes, limit: int) -> bytes:
    """The file itself if it is acceptable and has at most `limit` bytes; else a JPEG of at most SIDE pixels a side.

    Raises BadImage for what is no picture, cannot be decoded, or has over 89 million pixels.
    """
    if sniff(data) in _PLAIN and len(data) <= limit:
        try:
            see(data, check_size)
        except BadImage as error:
            if error.reason != "too_many_pixels":
                raise
        else:
            return data
    return jpeg(data, SIDE, limit)


def jpeg(data: bytes, side: int, limit: int) -> bytes:
    """The picture as an upright JPEG in sRGB, at most `side` pixels a side and `limit` bytes; raises BadImage."""
    return see(data, partial(_jpeg, side=side, limit=limit))


def _jpeg(image: Image.Image, side: int, limit: int) -> bytes:
    check_aspect(image)
    image.draft("RGB", (side, side))
    small, _ = most_to_see(image, lambda frame: shown(frame, partial(scaled, side=side)))
    for quality in _QUALITIES:
        buffer = BytesIO()
        small.save(buffer, "JPEG", quality=quality)
        if buffer.tell() <= limit:
            return buffer.getvalue()
    raise BadImage("too_large_bytes", f"the picture takes over {limit:,} bytes even at {side} pixels a side: scale it")


def scaled(
    image: Image.Image,
    side: int,
    resampling: Image.Resampling = Image.Resampling.BICUBIC,
    reducing_gap: float = 3.0,
) -> Image.Image:
    """At most `side` pixels a side; a smaller picture keeps its size."""
    size = size_within(image.size, side)
    return image if size == image.size else image.resize(size, resampling, reducing_gap=reducing_gap)


def size_within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Width and height scaled to at most `side`, in proportion and at least 1; a smaller picture keeps its size.

    >>> size_within((2000, 1000), 320), size_within((200, 100), 320)
    ((320, 160), (200, 100))
    """
    factor = side / max(size)
    width, height = size
    return size if factor >= 1 else (max(1, round(width * factor)), max(1, round(height * factor)))
