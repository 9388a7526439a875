"""The items most like what is asked for by several similarities: each is measured by itself, then they are averaged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.search_filter import SearchFilter
from features.vision.descriptors.mix import Mix
from features.vision.descriptors.packed import are_there, readable, similarities
from features.vision.descriptors.similarities import mean_of, within_0_and_1
from inference.catalog.catalog import Catalog
from inference.catalog.search import by_look, find_exactly
from sightline_client.events import ComparedBy

#: Items compared at a time, in up to 5 ms; then other work gets its turn.
_CHUNK = 1024
#: What an item loses of its likeness to words that name a colour which its picture has not (docs/words.md).
_OTHER_COLOUR: Final = np.float32(0.1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to compare with, and by what: `embedding` float32 [dimensions] and descriptors, as kept, of a picture.

    Of several embeddings [k, dimensions], as a clip's, the most similar one counts.

    `words` is the vector float32 [384] of a text, and `colours` float32 [17] those that it names, if any. What is not
    there is compared with nothing.
    """

    embedding: NDArray[np.float32] | None
    descriptors: bytes | None
    mix: Mix
    words: NDArray[np.float32] | None = None
    colours: NDArray[np.float32] | None = None


async def find_mixed(catalog: Catalog, asked: Asked, count: int, search_filter: SearchFilter) -> NDArray[np.int64]:
    """The rows int64 [n ≤ count] of the items most alike, the most first; no two have the same picture.

    It looks at every item within the limits. Items that have nothing of what is compared are left out.
    """

    def likeness(rows: NDArray[np.int64]) -> NDArray[np.float32]:
        return mean_of(similarities_by(catalog, asked, rows), asked.mix)

    return await find_exactly(catalog, likeness, count, search_filter, at_once=_CHUNK)


def similarities_by(
    catalog: Catalog, asked: Asked, rows: NDArray[np.int64]
) -> Mapping[ComparedBy, NDArray[np.float32]]:
    """How alike each row [n] is by each name of the mix: float32 [n], 0 to 1; NaN where it, or the asker, has none."""
    nothing = np.full(len(rows), np.nan, np.float32)
    found: dict[ComparedBy, NDArray[np.float32]] = dict.fromkeys(asked.mix.weights, nothing)
    if "look" in found and asked.embedding is not None:
        found["look"] = within_0_and_1(by_look(catalog, asked.embedding)(rows))
    if "words" in found and asked.words is not None and catalog.words is not None:
        worded = catalog.worded[rows]
        alike = catalog.words.similarities(rows, asked.words, worded & ~catalog.said[rows], catalog.pictures)
        alike = within_0_and_1(alike) * colour_factor(catalog.colours[rows], asked.colours)
        found["words"] = np.where(worded, alike, np.float32(np.nan))
    packed, own = catalog.descriptors[rows], readable(asked.descriptors)
    there = are_there(packed) & are_there(np.frombuffer(own, np.uint8)[None])
    for name in asked.mix.descriptors:
        found[name] = np.where(there, similarities(own, packed, name), np.float32(np.nan))
    return found


def colour_factor(shares: NDArray[np.float32], colours: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """By what the likeness of n items to words is multiplied, float32 [n], for the colours of their pictures.

    `shares` [n, 17] are theirs, as unit vectors, and `colours` [17] those that the words name, if any. An item without
    colours is as like as its words say.
    """
    if colours is None:
        return np.ones(len(shares), np.float32)
    other = 1 - within_0_and_1(shares @ colours)
    return 1 - _OTHER_COLOUR * np.where(shares.any(axis=1), other, np.float32(0))
