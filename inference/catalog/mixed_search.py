"""The items most like a picture by several similarities at once: each is measured by itself, then they are averaged."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.search_filter import SearchFilter
from features.vision.descriptors.mix import Mix
from features.vision.descriptors.packed import are_there, readable, similarities
from inference.catalog.catalog import Catalog
from inference.catalog.copies import first_distinct
from inference.catalog.search import matching
from sightline_client.events import ComparedBy

#: Items compared at a time, in up to 5 ms; then other work gets its turn.
_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture to compare with, and by what: `embedding` float32 [dimensions], descriptors as they are kept."""

    embedding: NDArray[np.float32]
    descriptors: bytes | None
    mix: Mix


async def find_mixed(catalog: Catalog, asked: Asked, count: int, search_filter: SearchFilter) -> NDArray[np.int64]:
    """The rows int64 [n ≤ count] of the items most alike, the most first; no two have the same picture.

    It looks at every item within the limits. Items that have nothing of what is compared are left out.
    """
    within, scores = [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    for start in range(0, len(catalog.keys), _CHUNK):
        rows = matching(catalog, np.arange(start, min(start + _CHUNK, len(catalog.keys))), search_filter)
        # Of items with one picture, those of a release before may have no descriptors.
        rows = catalog.pictures.one_of_each(rows[np.argsort(~are_there(catalog.descriptors[rows]), kind="stable")])
        means = mean_of(similarities_by(catalog, asked, rows), asked.mix)
        within.append(rows[~np.isnan(means)])
        scores.append(means[~np.isnan(means)])
        await asyncio.sleep(0)
    found, likeness = np.concatenate(within), np.concatenate(scores)
    halves = catalog.pictures.halves
    return first_distinct(found, likeness, halves, count, lambda best: matching(catalog, best, search_filter))


def similarities_by(
    catalog: Catalog, asked: Asked, rows: NDArray[np.int64]
) -> Mapping[ComparedBy, NDArray[np.float32]]:
    """How alike each row [n] is by each name of the mix: float32 [n], 0 to 1; NaN where it has no descriptors."""
    found: dict[ComparedBy, NDArray[np.float32]] = {}
    if "look" in asked.mix.weights:
        found["look"] = catalog.pictures.similarities(rows, asked.embedding[None]).clip(0, 1)
    packed, own = catalog.descriptors[rows], readable(asked.descriptors)
    there = are_there(packed) & are_there(np.frombuffer(own, np.uint8)[None])
    for name in asked.mix.descriptors:
        found[name] = np.where(there, similarities(own, packed, name), np.float32(np.nan))
    return found


def mean_of(similarities: Mapping[ComparedBy, NDArray[np.float32]], mix: Mix) -> NDArray[np.float32]:
    """The mean float32 [n] by the weights of a mix, over what is known of each; NaN where nothing is."""
    values = np.stack([similarities[name] for name in mix.weights])
    weights = np.array([*mix.weights.values()], np.float32)[:, None] * ~np.isnan(values)
    total = weights.sum(axis=0)
    total[total == 0] = np.nan
    means: NDArray[np.float32] = np.nansum(weights * values, axis=0) / total
    return means
