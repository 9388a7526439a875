"""Opens untrusted bytes as a picture, and turns whatever goes wrong into a refusal with a reason."""

import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TypeVar

import pi_heif
from PIL import AvifImagePlugin, Image, UnidentifiedImageError

from features.vision.formats import MAX_PIXELS, BadImage, sniff
from features.vision.jpeg_end import mended
from features.vision.png_chunks import without_bulk

# One thread, and nothing but the picture itself: a decoder of this product has one picture and one CPU at a time.
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

#: The exceptions that Pillow raises for broken files, by test or by its source, besides its own bomb errors.
PILLOW_ERRORS = (
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
Seen = TypeVar("Seen")


def see(data: bytes, look: Callable[[Image.Image], Seen]) -> Seen:
    """What `look` makes of the opened picture, whose pixels are not decoded yet; raises BadImage.

    A JPEG that lacks no more than its end is looked at as if it had one. Warning filters belong to the process and
    change meanwhile: call this in one thread at a time.
    """
    format_ = sniff(data)
    try:
        return _see(data, format_, look)
    except BadImage as error:
        whole = mended(data) if (format_, error.reason) == ("JPEG", "truncated") else None
        if whole is None:
            raise
        return _see(whole, format_, look)


def _see(data: bytes, format_: str, look: Callable[[Image.Image], Seen]) -> Seen:
    data = without_bulk(data) if format_ == "PNG" else data
    # Pillow allocates the frame of a GIF when it opens the file, and only warns if that is large.
    with (
        _refusals(format_),
        warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
        Image.open(BytesIO(data), formats=[format_]) as image,
    ):
        return look(image)


@contextmanager
def _refusals(format_: str) -> Iterator[None]:
    try:
        yield
    except _BOMBS as error:
        raise BadImage("too_many_pixels", f"{error}: send at most {MAX_PIXELS:,} pixels") from error
    except UnidentifiedImageError as error:
        raise BadImage("broken", f"the {format_} header cannot be read: send the whole file") from error
    except BadImage:
        raise
    except MemoryError as error:
        raise BadImage("too_much_memory", f"decoding the {format_} file takes too much memory: scale it") from error
    except PILLOW_ERRORS as error:
        raise _broken(format_, error) from error


def _broken(format_: str, error: BaseException) -> BadImage:
    if "truncated" in str(error).lower():
        return BadImage("truncated", f"the {format_} file is cut short ({error}): send the whole file")
    return BadImage("broken", f"the {format_} file cannot be decoded ({error}): save it again")
