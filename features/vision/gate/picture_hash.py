"""Hashes by which copies of a picture are found: the signs of 255 waves of a cosine transform, whole and cropped.

Zauner 2010, "Implementation and benchmarking of perceptual image hash functions", has the hash of 64 bits. Of a
mirrored picture every wave that is odd from left to right has the other sign, so one hash finds both.

An item keeps two (`KEPT`), of the whole picture and of the smallest of its `middles`. A new picture has those of all,
in small steps: one of them fits one of the two kept, whether the new picture is a part of the kept one, or the other
way round.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.gate.middles import MARGINS, SIDE, SQUARE, middles
from features.vision.gate.tint import TINT_BYTES, tint
from features.vision.gate.views import GateView

_WAVES: Final = 16
#: 64-bit words of a hash: 255 bits, and one that is always 0.
WORDS: Final = _WAVES * _WAVES // 64
#: Of 255 bits, those by which the hashes of a copy may differ; measured by `sightline bench gate`.
MOST_BITS: Final = 28
#: Levels between the darkest and the lightest of a picture's cells; with fewer it has nothing that could be hashed.
_LEAST_CONTRAST: Final = 4
#: The hashes that an item keeps, by their places among those of its picture.
KEPT: Final = (0, len(MARGINS) - 1)
#: The hashes of a picture: those of its middles, and the one of what is within its border.
_WORD_BYTES: Final = 8 * WORDS * (len(MARGINS) + 1)
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
    square = grey.resize((SQUARE, SQUARE), Image.Resampling.BOX)
    within = grey.resize((SIDE, SIDE), Image.Resampling.BOX, box=view.inner)
    levels = np.concatenate((middles(np.asarray(square)), np.asarray(within, np.float32)[None]))
    if np.ptp(levels[0]) < _LEAST_CONTRAST:
        return bytes(HASH_BYTES)
    signs = _COSINES @ levels @ _COSINES.T > 0
    signs[:, 0, 0] = False
    return np.packbits(signs.reshape(len(levels), -1), axis=1).tobytes() + tint(view).tobytes()


def kept_of(found: bytes) -> bytes | None:
    """What an item keeps of the hashes of its picture; None of a plain one."""
    words = _words(found)
    return words[list(KEPT)].tobytes() + found[_WORD_BYTES:] if words.any() else None


def asked_of(found: bytes) -> Asked:
    """What is looked for among what items keep."""
    words = _words(found).astype(np.uint64)
    return Asked(np.concatenate((words, words ^ _ODD)), np.frombuffer(found, np.uint8)[_WORD_BYTES:])


def _words(found: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(found[:_WORD_BYTES], "<u8").reshape(-1, WORDS)


def _cosines() -> NDArray[np.float32]:
    """The waves 0 to _WAVES - 1 of DCT-II over SIDE places, [_WAVES, SIDE]."""
    waves, places = np.arange(_WAVES)[:, None], np.arange(SIDE)
    return np.cos(np.pi / SIDE * waves * (places + 0.5)).astype(np.float32)


_COSINES: Final = _cosines()
_ODD: Final = np.packbits(np.tile(np.arange(_WAVES) % 2 == 1, _WAVES)).view("<u8").astype(np.uint64)
