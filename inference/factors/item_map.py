"""Latent factors of items from what they are: a linear map of look and words.

An item that nobody chose has no factor by least squares; its look and its words say which items it resembles, and so
who may like it. Such a map is learned by nets in CB2CF (Barkan et al. 2019, arXiv:1611.00384) and DropoutNet (Volkovs
et al. 2017); here it is ridge regression, in closed form. Its λ is the one of the least error on items held out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from features.words.item_words import DIMENSIONS
from inference.catalog.catalog import Catalog
from inference.trained.pictures import pictures_of
from inference.words.pictures import said_vector

Vectors: TypeAlias = NDArray[np.float32]
#: What a map goes by.
Part: TypeAlias = Literal["look", "words", "both"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
#: Fewer items than this are not enough to fit a map to.
LEAST_ITEMS: Final = 200
#: A map that explains less of the factors of items held out is not kept: looks, or words, say nothing there.
LEAST_EXPLAINED: Final = 0.01
#: λ for each item that the map is fitted on.
_RIDGES: Final = (0.0005, 0.0015, 0.005, 0.015, 0.05, 0.15)
_FOLDS: Final = 5
#: The greatest number of float16.
_GREATEST: Final = np.float32(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class Facts:
    """What n items are: `looks` float32 [n, p], `words` float32 [n, DIMENSIONS]: unit vectors, or zeros for none.

    The looks are by `encoder`; without one p is 0.
    """

    encoder: str | None
    looks: Vectors
    words: Vectors

    @classmethod
    def of_items(cls, items: list[str], known: Mapping[str, Item], dimensions: int) -> "Facts":
        """Those of items by id; looks are vectors of these dimensions by the encoder of most known items."""
        encoder, pictures = pictures_of(items, known, dimensions)
        words = np.zeros((len(items), DIMENSIONS), np.float32)
        for number, item in enumerate(items):
            if item in known and (said := said_vector(known[item])) is not None:
                words[number] = np.frombuffer(said, "<f2")
        return cls(encoder, pictures.astype(np.float32), words)

    @classmethod
    def of_rows(cls, catalog: Catalog, rows: NDArray[np.int64], is_asked: NDArray[np.bool_]) -> "Facts":
        """Those of the items in rows [n] of a catalogue; zeros for those that are not asked for, bool [n]."""
        pictures, words = catalog.pictures, np.zeros((len(rows), DIMENSIONS), np.float32)
        looks = pictures.vectors(rows) * (is_asked & pictures.has(rows))[:, None]
        if catalog.words is not None:
            words = catalog.words.vectors[rows] * (is_asked & catalog.said[rows])[:, None]
        return cls(pictures.encoder, looks, words)

    def has(self, part: Part) -> NDArray[np.bool_]:
        """Which items have what a map of this part goes by, bool [n]."""
        found = np.ones(len(self.words), np.bool_)
        for each in self._given(part):
            found &= each.any(axis=1)
        return found

    def inputs(self, part: Part, rows: NDArray[np.int64]) -> Vectors:
        """What a map of this part goes by, of items [r], float32 [r, k]."""
        return np.concatenate([each[rows] for each in self._given(part)], axis=1)

    def _given(self, part: Part) -> tuple[Vectors, ...]:
        return {"look": (self.looks,), "words": (self.words,), "both": (self.looks, self.words)}[part]


@dataclass(frozen=True, slots=True)
class LinearMap:
    """`weights` float32 [k, d] and `offset` float32 [d]; `explained` is the share of the factors of items held out."""

    weights: Vectors
    offset: Vectors
    explained: float

    def read(self, inputs: Vectors) -> Vectors:
        """The factors of inputs [n, k], float32 [n, d]."""
        return (inputs @ self.weights + self.offset).clip(-_GREATEST, _GREATEST)


@dataclass(frozen=True, slots=True)
class ItemMap:
    """The maps by what they go by; an item is read by the one that explains most of those whose parts it has.

    Looks are read if they are by `encoder`, and have as many dimensions as those that the maps were fitted to.
    """

    encoder: str | None
    maps: Mapping[Part, LinearMap]

    @classmethod
    def fit(cls, facts: Facts, vectors: Vectors) -> "ItemMap | None":
        """Fit maps to the factors float32 [n, d] of items; None where none explains enough.

        Items that few chose have small factors by least squares, and need no other weight.
        """
        fitted = {part: _fitted(facts, part, vectors) for part in PARTS}
        maps = {part: each for part, each in fitted.items() if each is not None and each.explained >= LEAST_EXPLAINED}
        return cls(facts.encoder, maps) if maps else None

    def read(self, facts: Facts) -> tuple[Vectors, NDArray[np.bool_]]:
        """The factors float32 [n, d] that items probably have, and which have one [n]; zeros for the others."""
        dimensions = len(next(iter(self.maps.values())).offset)
        found, has = np.zeros((len(facts.words), dimensions), np.float32), np.zeros(len(facts.words), np.bool_)
        for part, each in sorted(self.maps.items(), key=lambda pair: -pair[1].explained):
            rows = np.flatnonzero(facts.has(part) & ~has)
            inputs = facts.inputs(part, rows)
            if inputs.shape[1] == len(each.weights) and (part == "words" or facts.encoder == self.encoder):
                found[rows], has[rows] = each.read(inputs), True
        return found, has


def _fitted(facts: Facts, part: Part, vectors: Vectors) -> LinearMap | None:
    rows = np.flatnonzero(facts.has(part))
    if len(rows) < LEAST_ITEMS:
        return None
    inputs, wanted = facts.inputs(part, rows).astype(np.float64), vectors[rows].astype(np.float64)
    folds = np.arange(len(rows)) % _FOLDS
    missed = np.zeros(len(_RIDGES))
    by_mean = 0.0
    for fold in range(_FOLDS):
        learned, left = folds != fold, folds == fold
        solutions = _solutions(inputs[learned], wanted[learned], _RIDGES)
        for place, (weights, offset) in enumerate(solutions):
            missed[place] += ((inputs[left] @ weights + offset - wanted[left]) ** 2).sum()
        by_mean += ((wanted[left] - wanted[learned].mean(axis=0)) ** 2).sum()
    best = int(missed.argmin())
    explained = 1 - missed[best] / by_mean if by_mean > 0 else 0.0
    ((weights, offset),) = _solutions(inputs, wanted, _RIDGES[best : best + 1])
    return LinearMap(weights.astype(np.float32), offset.astype(np.float32), float(explained))


def _solutions(
    inputs: NDArray[np.float64], wanted: NDArray[np.float64], ridges: tuple[float, ...]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Weights [k, d] and offset [d] of the ridge regression of `wanted` [n, d] on `inputs` [n, k], for each λ / n."""
    middle, mean = inputs.mean(axis=0), wanted.mean(axis=0)
    centred = inputs - middle
    # One decomposition for all λ.
    sizes, axes = np.linalg.eigh(centred.T @ centred / len(inputs))
    turned = axes.T @ (centred.T @ (wanted - mean)) / len(inputs)
    weights = [axes @ (turned / (sizes[:, None] + ridge)) for ridge in ridges]
    return [(each, mean - middle @ each) for each in weights]
