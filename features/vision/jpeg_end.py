"""A JPEG without its end: how much of the picture is missing?"""

import re
from contextlib import suppress
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: The largest share of the pixels that may be missing: a viewer does not see it.
MOST_MISSING = 0.02
_END = b"\xff\xd9"
_SIDE = 224
#: libjpeg fills what is missing with this level in every channel (jdhuff.c: "return uniform gray").
_FILL = 128
#: Pixels of the smallest block at the scale of a quarter.
_BLOCK = 4
_SCAN = re.compile(rb"\xff\xda\0.([\x01-\x04])", re.DOTALL)
_LAST_COEFFICIENT = 63


def mended(data: bytes) -> bytes | None:
    """The file with an end mark, if at most MOST_MISSING of the picture is missing; None for all other files."""
    whole = data.rstrip(b"\xff") + _END
    with suppress(OSError, ValueError, SyntaxError), Image.open(BytesIO(whole), formats=["JPEG"]) as image:
        image.draft("RGB", (_SIDE, _SIDE))
        image.load()
        if image.info.get("progressive") and not _has_its_last_scans(data):
            return None
        levels = np.asarray(image, dtype=np.uint8).reshape(image.height, image.width, -1)
        if _missing(levels) <= MOST_MISSING:
            return whole
    return None


def _missing(levels: NDArray[np.uint8]) -> float:
    """The share of the pixels [height, width, channels] that libjpeg filled: blocks at the right of the last rows."""
    shown = np.any(np.abs(levels.astype(np.int16) - _FILL) > 1, axis=2)
    # By row, the number of pixels after the last one that shows something.
    runs = np.where(shown.any(axis=1), np.argmax(shown[:, ::-1], axis=1), shown.shape[1])
    filled = np.logical_and.accumulate(runs[::-1] >= _BLOCK)
    return float(runs[::-1][filled].sum() / shown.size)


def _has_its_last_scans(data: bytes) -> bool:
    """Whether the scans with the last bit of each component's first and last coefficient have begun (ITU T.81, G.1)."""
    components: set[int] = set()
    first: set[int] = set()
    last: set[int] = set()
    for scan in _SCAN.finditer(data):
        end = scan.end() + 2 * scan[1][0]
        names = set(data[scan.end() : end : 2])
        components |= names
        if len(header := data[end : end + 3]) == 3 and header[2] & 0x0F == 0:
            first |= names if header[0] == 0 else set()
            last |= names if header[1] == _LAST_COEFFICIENT else set()
    return components == first == last
