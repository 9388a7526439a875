"""Precision of neighbours by every way to compare pictures: leave one out, and photo → catalogue picture."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.intervals import Interval
from benchmarks.retrieval.album import Album
from benchmarks.retrieval.compared import gain, hits
from benchmarks.retrieval.ways import Matrix, Shots, ways
from features.vision.descriptors.mix import ALL
from features.vision.descriptors.packed import PACKED_BYTES, describe, similarities
from features.vision.descriptors.table import DESCRIPTORS
from features.vision.descriptors.views import Views

_DEPTH = 10
_GAIN_DEPTH = 5
_BATCH = 32
#: Pictures of which the time is taken.
_TIMED = 200
#: Queries of which the time is taken.
_QUERIES = 20
#: uint8 pixels [n, 224, 224, 3] → unit embeddings and raw features, both float32 [n, …].
Encode = Callable[[NDArray[np.uint8]], tuple[Matrix, Matrix]]


@dataclass(frozen=True, slots=True)
class Precision:
    """Shares of neighbours that have the same label, means over all photos.

    `map_at_10`: average precision at 10, of which 1 needs the ten, or all there are, to be first. `r_at_1`: photos
    whose nearest catalogue picture has their label; None without such pictures.
    """

    p_at_1: float
    p_at_5: float
    p_at_10: float
    map_at_10: float
    r_at_1: float | None


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor time: `ms` to describe a picture, `compare_us` for each item that a query is compared with.

    `bytes` is what an item keeps. `ms` of a single descriptor is without the grey pictures that all of them share.
    """

    ms: float
    bytes: int
    compare_us: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The precision of each way to compare, and the cost of each descriptor and of `all`.

    `gain`: what `look` has more of P@5 than `raw`, with its interval over the photos.
    """

    photos: int
    labels: int
    by: dict[str, Precision]
    gain: Interval
    costs: dict[str, Cost]


def measure_retrieval(
    photos: Album, gallery: Album | None, encode: Encode, progress: Callable[[str], None]
) -> Retrieval:
    """Compare the photos with each other, and with the pictures of the gallery."""
    taken = _shots(photos, encode, progress)
    shown = None if gallery is None else _shots(gallery, encode, progress)
    labels, found = np.array(photos.labels), {}
    for name, compare in ways().items():
        progress(f"comparing by {name}")
        r_at_1 = None
        if gallery is not None and shown is not None:
            nearest = np.array(gallery.labels)[compare(taken, shown).argmax(axis=1)]
            r_at_1 = round(float((nearest == labels).mean()), 4)
        found[name] = _precision(compare(taken, taken), labels, r_at_1)
    look, raw = (hits(each, labels, _GAIN_DEPTH) for each in (taken.look, taken.raw))
    costs = _costs(photos.pixels[:_TIMED], taken.packed)
    return Retrieval(len(labels), len(np.unique(labels)), found, gain(look, raw), costs)


def _shots(album: Album, encode: Encode, progress: Callable[[str], None]) -> Shots:
    looks, raws = [], []
    for start in range(0, len(album.pixels), _BATCH):
        look, raw = encode(album.pixels[start : start + _BATCH])
        looks.append(look)
        raws.append(raw / np.linalg.norm(raw, axis=1, keepdims=True))
        progress(f"encoding picture {start} of {len(album.pixels)}")
    packed = np.stack([np.frombuffer(describe(pixels), np.uint8) for pixels in album.pixels])
    return Shots(np.concatenate(looks), np.concatenate(raws), packed)


def _precision(scores: Matrix, labels: NDArray[np.str_], r_at_1: float | None) -> Precision:
    np.fill_diagonal(scores, -np.inf)
    nearest = np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]
    hits = labels[nearest] == labels[:, None]
    precisions = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    others = np.array([np.count_nonzero(labels == label) - 1 for label in labels])
    averages = (precisions * hits).sum(axis=1) / np.minimum(others, _DEPTH).clip(1)
    return Precision(
        p_at_1=round(float(hits[:, :1].mean()), 4),
        p_at_5=round(float(hits[:, :5].mean()), 4),
        p_at_10=round(float(hits.mean()), 4),
        map_at_10=round(float(averages.mean()), 4),
        r_at_1=r_at_1,
    )


def _costs(pixels: NDArray[np.uint8], packed: NDArray[np.uint8]) -> dict[str, Cost]:
    described = [bytes(each) for each in packed[:_TIMED]]
    describe(pixels[0])  # the tables are made with the first picture
    views = [Views.of(each) for each in pixels]
    costs = {}
    for name, row in DESCRIPTORS.items():
        compare_ms = _ms(partial(similarities, others=packed, name=name), described[:_QUERIES])
        ms = _ms(row.describe, views)
        costs[name] = Cost(ms, row.bytes, round(compare_ms / len(packed) * 1000, 2))
    compare_us = round(sum(costs[name].compare_us for name in ALL.descriptors), 2)
    return costs | {"all": Cost(_ms(describe, list(pixels)), PACKED_BYTES, compare_us)}


def _ms(work: Callable[[Any], object], inputs: Sequence[object]) -> float:
    """The processor time of one piece of work."""
    begun = time.process_time()
    for each in inputs:
        work(each)
    return round((time.process_time() - begun) / len(inputs) * 1000, 3)
