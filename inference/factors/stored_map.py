"""The maps of an `ItemMap` as parts of the file of factors."""

from collections.abc import Mapping
from typing import Final

import msgspec
import numpy as np

from features.words.item_words import DIMENSIONS, VERSION
from inference.factors.defaults import DIMENSIONS_LIMIT
from inference.factors.item_map import ItemMap, LinearMap, Part

#: The most numbers of a look.
_LOOK_LIMIT: Final = 4096
#: The most bytes of all maps.
MAPS_BYTES: Final = 2 * 4 * (_LOOK_LIMIT + DIMENSIONS + 1) * DIMENSIONS_LIMIT
_FLOATS = np.dtype("<f4")


class StoredMap(msgspec.Struct, frozen=True):
    """A map: float32 weights [inputs, d] and offset [d], and what share of held-out factors it explains."""

    weights: bytes
    offset: bytes
    explained: float


def stored_maps(item_map: ItemMap) -> dict[Part, StoredMap]:
    """The maps for the file."""
    return {
        part: StoredMap(each.weights.astype(_FLOATS).tobytes(), each.offset.astype(_FLOATS).tobytes(), each.explained)
        for part, each in item_map.maps.items()
    }


def item_map_of(encoder: str | None, words: str, stored: Mapping[Part, StoredMap], dimensions: int) -> ItemMap | None:
    """The maps to factors of these dimensions; None where there are none. Raises ValueError for what is not sound.

    Maps of the vectors of `words` by another version of the tower than ours are left out.
    """
    maps = {part: _linear(part, each, dimensions) for part, each in stored.items()}
    of_words = {"look": 0, "words": DIMENSIONS, "both": DIMENSIONS}
    looks = {part: len(each.weights) - of_words[part] for part, each in maps.items()}
    has_other_words, sizes = looks.pop("words", 0) != 0, {*looks.values()}
    if has_other_words or len(sizes) > 1 or not all(0 < each <= _LOOK_LIMIT for each in sizes):
        raise ValueError("has maps of other looks or words than ours")
    readable = {part: each for part, each in maps.items() if part == "look" or words == VERSION}
    return ItemMap(encoder, readable) if readable else None


def _linear(part: Part, stored: StoredMap, dimensions: int) -> LinearMap:
    if len(stored.offset) != _FLOATS.itemsize * dimensions or len(stored.weights) % len(stored.offset):
        raise ValueError(f"has a map of {part} that has another shape than its factors")
    weights, offset = (np.frombuffer(each, _FLOATS).astype(np.float32) for each in (stored.weights, stored.offset))
    weights = weights.reshape(-1, dimensions)
    # The greatest factors of inputs within -1 and 1.
    with np.errstate(over="ignore", invalid="ignore"):
        reach = np.abs(weights).sum(axis=0) + np.abs(offset)
    if not np.isfinite(reach).all() or not np.isfinite(stored.explained):
        raise ValueError(f"has a map of {part} with what is no number")
    return LinearMap(weights, offset, stored.explained)
