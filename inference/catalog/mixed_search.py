"""The items most like a picture by several similarities at once: each is measured by itself, then they are averaged."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.search_filter import SearchFilter
from features.vision.descriptors.mix import Mix
from features.vision.descriptors.packed import are_there, readable, similarities
from features.vision.descriptors.similarities import mean_of, within_0_and_1
from inference.catalog.catalog import Catalog
from inference.catalog.search import find_exactly
from sightline_client.events import ComparedBy

#: Items compared at a time, in up to 5 ms; then other work gets its turn.
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture to compare with, and by what: `embedding` float32 [dimensions], descriptors as they are kept.

    Of several embeddings [k, dimensions], as a clip's, the most similar one counts.
    """

    embedding: NDArray[np.float32]
    descriptors: bytes | None
    mix: Mix


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
    """How alike each row [n] is by each name of the mix: float32 [n], 0 to 1; NaN where it has no descriptors."""
    found: dict[ComparedBy, NDArray[np.float32]] = {}
    if "look" in asked.mix.weights:
        found["look"] = within_0_and_1(catalog.likeness(rows, asked.embedding))
    packed, own = catalog.descriptors[rows], readable(asked.descriptors)
    there = are_there(packed) & are_there(np.frombuffer(own, np.uint8)[None])
    for name in asked.mix.descriptors:
        found[name] = np.where(there, similarities(own, packed, name), np.float32(np.nan))
    return found
