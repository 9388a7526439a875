"""All descriptors of a picture as an item keeps them: one byte of version, then each of DESCRIPTORS in its bits."""

from itertools import accumulate, pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.similarities import cosine
from features.vision.descriptors.table import DESCRIPTORS
from features.vision.descriptors.views import Views
from sightline_client.events import DescriptorName

VERSION: Final = 1
_BYTES: Final = [each.bytes for each in DESCRIPTORS.values()]
_ENDS: Final = [*accumulate(_BYTES, initial=1)]
_PLACES: Final = dict(zip(DESCRIPTORS, map(slice, *zip(*pairwise(_ENDS), strict=True)), strict=True))
#: Bytes of an item's descriptors: 226.
PACKED_BYTES: Final = _ENDS[-1]


def describe(pixels: NDArray[np.uint8]) -> bytes:
    """The descriptors of a decoded picture, uint8 [H, W, 3] (see Views): PACKED_BYTES bytes; 0.9 ms."""
    views = Views.of(pixels)
    parts = [_pack(each.describe(views), each.bits) for each in DESCRIPTORS.values()]
    return bytes([VERSION]) + b"".join(part.tobytes() for part in parts)


def readable(packed: bytes | None) -> bytes:
    """The descriptors, or as many zeros, which say "none", where there are none or they are of another version."""
    if packed is None or len(packed) != PACKED_BYTES or packed[0] != VERSION:
        return bytes(PACKED_BYTES)
    return packed


def are_there(packed: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each of `readable` descriptors [n, PACKED_BYTES], or of their first bytes, says anything, bool [n]."""
    there: NDArray[np.bool_] = packed[:, 0] == VERSION
    return there


def numbers(packed: NDArray[np.uint8], name: DescriptorName) -> NDArray[np.uint8]:
    """What one descriptor said of each picture [n, PACKED_BYTES]: uint8 [n, size], as its `describe` gave it."""
    part, bits = packed[:, _PLACES[name]], DESCRIPTORS[name].bits
    if bits == 1:
        return np.unpackbits(part, axis=1)
    return np.stack([part >> 4, part & 15], axis=2).reshape(len(part), DESCRIPTORS[name].size)


def similarities(one: bytes, others: NDArray[np.uint8], name: DescriptorName) -> NDArray[np.float32]:
    """How alike a picture is to others [n, PACKED_BYTES] by one descriptor: float32 [n], 0 to 1."""
    if not len(others):
        return np.zeros(0, np.float32)
    values = DESCRIPTORS[name].values
    (value,) = values(numbers(np.frombuffer(one, np.uint8)[None], name))
    return cosine(value, values(numbers(others, name)))


def _pack(values: NDArray[np.uint8], bits: Literal[1, 4]) -> NDArray[np.uint8]:
    return np.packbits(values) if bits == 1 else np.bitwise_or(values[0::2] << 4, values[1::2], dtype=np.uint8)
