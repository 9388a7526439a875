"""Hashes by which copies of a picture are found: the signs of 255 waves of a cosine transform, whole and cropped.

Zauner 2010, "Implementation and benchmarking of perceptual image hash functions", has the hash of 64 bits. Of a
mirrored picture every wave that is odd from left to right has the other sign, so one hash finds both.

An item keeps two, of the whole picture and of its middle (`KEPT`). A new picture has more (`CROPS`), in small steps:
one of them fits one of the two kept, whether the new picture is a part of the kept one, or the other way round.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.gate.tint import TINT_BYTES, tint
from features.vision.gate.views import GateView

_WAVES: Final = 16
#: The picture is drawn as a square of this many pixels, and each crop of it as one of _SIDE.
_SQUARE: Final = 128
_SIDE: Final = 32
#: 64-bit words of a hash: 255 bits, and one that is always 0.
WORDS: Final = _WAVES * _WAVES // 64
#: Of 255 bits, those by which the hashes of a copy may differ; measured by `sightline bench gate`.
MOST_BITS: Final = 28
#: Levels between the darkest and the lightest of a picture's cells; with fewer it has nothing that could be hashed.
_LEAST_CONTRAST: Final = 4
#: Shares of the sides that are left out: left, top, right, bottom.
_Crop = tuple[float, float, float, float]
#: What an item keeps.
KEPT: Final[tuple[_Crop, ...]] = ((0, 0, 0, 0), (0.1, 0.1, 0.1, 0.1))
#: By what a new picture is compared: its middles, in steps by which a hash differs little.
_STEPS: Final = 15
CROPS: Final[tuple[_Crop, ...]] = tuple((0.1 * step / (_STEPS - 1),) * 4 for step in range(_STEPS))
#: The hashes of a picture: those of CROPS, of which the first and the last middle are KEPT, and the one of what is
#: within its border.
_WORD_BYTES: Final = 8 * WORDS * (len(CROPS) + 1)
#: And the tint behind them.
HASH_BYTES: Final = _WORD_BYTES + TINT_BYTES
#: Bytes that an item keeps: the hashes of KEPT, and the tint.
KEPT_BYTES: Final = 8 * WORDS * len(KEPT) + TINT_BYTES


class Asked(NamedTuple):
    """A picture whose copies are looked for: its hashes and those in a mirror, [n, WORDS], and its tint."""

    hashes: NDArray[np.uint64]
    tint: NDArray[np.uint8]


def hashes(view: GateView) -> bytes:
    """The hashes of a picture, HASH_BYTES bytes; zeros if it is plain."""
    grey = view.grey
    square = grey.resize((_SQUARE, _SQUARE), Image.Resampling.BOX)
    within = grey.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=view.inner)
    levels = np.stack([*(_cells(square, crop) for crop in CROPS), np.asarray(within, np.float32)])
    if np.ptp(levels[0]) < _LEAST_CONTRAST:
        return bytes(HASH_BYTES)
    signs = _COSINES @ levels @ _COSINES.T > 0
    signs[:, 0, 0] = False
    return np.packbits(signs.reshape(len(levels), -1), axis=1).tobytes() + tint(view).tobytes()


def kept_of(found: bytes) -> bytes | None:
    """What an item keeps of the hashes of its picture; None of a plain one."""
    words = _words(found)
    return words[[0, _STEPS - 1]].tobytes() + found[_WORD_BYTES:] if words.any() else None


def asked_of(found: bytes) -> Asked:
    """What is looked for among what items keep."""
    words = _words(found).astype(np.uint64)
    return Asked(np.concatenate((words, words ^ _ODD)), np.frombuffer(found, np.uint8)[_WORD_BYTES:])


def _words(found: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(found[:_WORD_BYTES], "<u8").reshape(-1, WORDS)


def _cells(square: Image.Image, crop: _Crop) -> NDArray[np.float32]:
    left, top, right, bottom = crop
    box = (left * _SQUARE, top * _SQUARE, (1 - right) * _SQUARE, (1 - bottom) * _SQUARE)
    return np.asarray(square.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box), np.float32)


def _cosines() -> NDArray[np.float32]:
    """The waves 0 to _WAVES - 1 of DCT-II over _SIDE places, [_WAVES, _SIDE]."""
    waves, places = np.arange(_WAVES)[:, None], np.arange(_SIDE)
    return np.cos(np.pi / _SIDE * waves * (places + 0.5)).astype(np.float32)


_COSINES: Final = _cosines()
_ODD: Final = np.packbits(np.tile(np.arange(_WAVES) % 2 == 1, _WAVES)).view("<u8").astype(np.uint64)
