"""Decodes untrusted bytes to an RGB picture of fixed size, or refuses them with a reason."""

import struct
import warnings
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
#: libwebp holds the pixels of a WebP four times while it decodes; a decoder of 600 MB has room for this many.
MAX_WEBP_PIXELS = 25_000_000
MAX_ASPECT = 20

Reason = Literal[
    "empty",
    "too_large_bytes",
    "not_an_image",
    "format",
    "too_many_pixels",
    "aspect",
    "truncated",
    "broken",
    "too_much_memory",
    "too_slow",
    "crash",
]

_ACCEPTED = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF8", "WEBP": b"RIFF"}
_OTHER_PICTURES = (
    (0, b"BM"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"8BPS"),
    (0, b"%!PS"),
    (0, b"SIMPLE"),
    (0, b"<svg"),
    (4, b"ftyp"),
)
# The exceptions that Pillow raises for broken files, by test or by its source, besides its own bomb errors.
_PILLOW_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    struct.error,
    zlib.error,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MULTIPLIED = {"RGBA": "RGBa", "LA": "La"}
_STRAIGHT = {multiplied: straight for straight, multiplied in _MULTIPLIED.items()}
_ORIENTATION = 0x0112
_SWAPS_SIDES = (5, 6, 7, 8)


class BadImage(ValueError):
    """The bytes are not a picture that can be decoded; a retry is useless. `reason` is stable and bounded."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Picture:
    """`pixels` is uint8 [size, size, 3] RGB; width and height are those of the upright original."""

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str


def decode(data: bytes, *, size: int = 224) -> Picture:
    """Return the middle square of the first frame, upright, opaque on white, size × size; raise BadImage otherwise.

    The header is checked before any pixel is decoded, so a decompression bomb costs neither time nor memory.
    Warning filters belong to the process and change meanwhile: call this in one thread at a time.
    """
    format_ = _sniff(data)
    try:
        return _decode(data, format_, size)
    except _BOMBS as error:
        raise BadImage("too_many_pixels", f"{error}: send at most {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise BadImage("broken", f"the {format_} header cannot be read: send the whole file") from error
    except BadImage:
        raise
    except MemoryError as error:
        raise BadImage("too_much_memory", f"decoding the {format_} file takes too much memory: scale it") from error
    except _PILLOW_ERRORS as error:
        raise _broken(format_, error) from error


def _decode(data: bytes, format_: str, size: int) -> Picture:
    # Pillow allocates the frame of a GIF when it opens the file, and only warns if that is large.
    with (
        warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
        Image.open(BytesIO(data), formats=[format_]) as image,
    ):
        _check_header(image)
        width, height = image.size
        image.draft("RGB", (size, size))
        image.load()
        orientation = _orientation(image)
        pixels = _square(image, size, orientation)
    if orientation in _SWAPS_SIDES:
        width, height = height, width
    return Picture(pixels, width, height, format_)


def _sniff(data: bytes) -> str:
    if not data:
        raise BadImage("empty", "the picture has 0 bytes: send the content of the file")
    if len(data) > MAX_BYTES:
        raise BadImage("too_large_bytes", f"the picture has {len(data):,} bytes: send at most {MAX_BYTES:,}")
    for name, magic in _ACCEPTED.items():
        if data.startswith(magic) and (name != "WEBP" or data[8:12] == b"WEBP"):
            return name
    known = any(data[at : at + len(magic)] == magic for at, magic in _OTHER_PICTURES)
    raise BadImage(
        "format" if known else "not_an_image",
        f"the bytes begin with {data[:12]!r}, which is not JPEG, PNG, WebP or GIF: convert the picture",
    )


def _check_header(image: Image.Image) -> None:
    width, height = image.size
    limit = MAX_WEBP_PIXELS if image.format == "WEBP" else MAX_PIXELS
    if width * height > limit:
        raise BadImage("too_many_pixels", f"the picture is {width}×{height}, over {limit:,} pixels: scale it")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadImage("aspect", f"the picture is {width}×{height}: send at most {MAX_ASPECT} to 1")


def _broken(format_: str, error: BaseException) -> BadImage:
    if "truncated" in str(error).lower():
        return BadImage("truncated", f"the {format_} file is cut short ({error}): send the whole file")
    return BadImage("broken", f"the {format_} file cannot be decoded ({error}): save it again")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (*_PILLOW_ERRORS, MemoryError, Warning):  # unreadable EXIF does not make a picture unusable
        return 1


def _square(image: Image.Image, size: int, orientation: int) -> NDArray[np.uint8]:
    image = _plain(image)
    image = _fit(image, size)
    if orientation in _TURNS:
        image = image.transpose(_TURNS[orientation])
    if image.mode in _STRAIGHT:
        image = image.convert(_STRAIGHT[image.mode]).convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"), dtype=np.uint8)


def _fit(image: Image.Image, size: int) -> Image.Image:
    """Scale the middle square; cropping finds similar pictures better than squeezing (docs/encoder.md)."""
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def _plain(image: Image.Image) -> Image.Image:
    """Convert 16-bit, palette, bilevel and transparent pictures to a mode that can be scaled.

    Colours are multiplied by alpha here, where the original is freed; `resize` would need one more copy of all pixels.
    """
    if image.mode.startswith("I"):
        return _grey(image)
    if image.has_transparency_data:
        if image.mode not in _MULTIPLIED:
            image = image.convert("RGBA")
        return image.convert(_MULTIPLIED[image.mode])
    if image.mode in ("P", "1", "F", "LAB", "HSV"):
        return image.convert("RGB")
    return image


def _grey(image: Image.Image) -> Image.Image:
    """Keep the upper 8 of 16 bits, in place, since there may be 40 million pixels."""
    values = np.array(image)
    clear = image.info.get("transparency")
    white = values == clear if isinstance(clear, int) else None
    values >>= 8
    levels = values.clip(0, 255, out=values).astype(np.uint8)
    if white is not None:
        levels[white] = 255
    return Image.fromarray(levels)
