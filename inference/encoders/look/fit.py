"""Fits the map from joined features to embeddings on labelled photos, in closed form: the same input, the same map.

The learned part is a linear discriminant analysis (Rao 1948): the directions in which the means of a set's labels lie
apart, scaled so that photos of one label vary equally in all of them (within-class covariance, shrunken). The general
part is the principal components of the photos and of the network's classifier, which knows far more kinds of things.
The two are weighed by a gate (`projection.py`), so that unknown kinds are compared by the general part.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inference.encoders.look.projection import Matrix, Projection, unit

Precise: TypeAlias = NDArray[np.float64]

#: Directions with less than this share of the strongest one's spread are rounding.
_RANK: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Labelled:
    """Pictures of one domain: joined `features` [n, F], `pooled` ones [n, P], the `labels` int64 [n].

    `shown` bool [n]: the picture is of a catalogue, not a photo of the kind that is uploaded. `pixels` uint8
    [n, s, s, 3] are there where a network is to learn from them.
    """

    features: Matrix
    pooled: Matrix
    labels: NDArray[np.int64]
    shown: NDArray[np.bool_]
    pixels: NDArray[np.uint8] | None = None

    def some(self, rows: NDArray[np.bool_]) -> "Labelled":
        """The pictures of these rows."""
        pixels = None if self.pixels is None else self.pixels[rows]
        return Labelled(self.features[rows], self.pooled[rows], self.labels[rows], self.shown[rows], pixels)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of the joined features [F] begin: levels, the pooled ones [P], colours."""

    pooled: int
    colours: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """Constants, chosen on held-out uploaders, classes and products (docs/encoder.md).

    `catalogue`: how many photos a catalogue picture counts for. `levels`: how much the earlier blocks of the
    network count in the general part, in which colour counts nothing. Without `learned` directions there is no gate.
    """

    dimensions: int = 256
    shrinkage: float = 0.3
    learned: int = 128
    levels: float = 0.3
    prior: float = 0.3
    catalogue: int = 3
    low: float = 0.1
    high: float = 0.7


def fit(sets: Sequence[Labelled], classifier: Matrix, layout: Layout, recipe: Recipe) -> Projection:
    """Fit on sets of equal weight; `classifier` [classes, P] is the last layer of the network.

    Raises ValueError where no set has photos of two labels.
    """
    weights = [_counts(each, recipe) for each in sets]
    middles = [np.average(each.features, axis=0, weights=counts) for each, counts in zip(sets, weights, strict=True)]
    mean = np.mean(middles, axis=0)
    learned = discriminants(sets, recipe) if recipe.learned else np.zeros((len(mean), 0))
    general = _components(sets, mean, classifier, layout, recipe, recipe.dimensions - learned.shape[1])
    matrix = np.concatenate([_scaled(learned), _scaled(general)], axis=1).astype(np.float32)
    return Projection(
        mean.astype(np.float32), matrix, _centres(sets), learned.shape[1], low=recipe.low, high=recipe.high
    )


def discriminants(sets: Sequence[Labelled], recipe: Recipe) -> Precise:
    """The learned directions [F, ≤ learned]: of generalised eigenvectors of between- and within-class scatter.

    Raises ValueError where no set has photos of two labels, or the photos of each label are the same.
    """
    size = sets[0].features.shape[1]
    means, within = [], np.zeros((size, size))
    for data in sets:
        counts = _counts(data, recipe)
        middle = np.average(data.features, axis=0, weights=counts)
        rest = data.features.copy()
        for label in np.unique(data.labels):
            rows = data.labels == label
            mean = np.average(data.features[rows], axis=0, weights=counts[rows])
            rest[rows] -= mean
            means.append((mean - middle) * np.sqrt(counts[rows].sum() / counts.sum() / len(sets)))
        within += _scatter(rest, counts) / len(sets)
    level = np.trace(within) / size * np.eye(size)
    try:
        lower = np.linalg.cholesky((1 - recipe.shrinkage) * within + recipe.shrinkage * level)
    except np.linalg.LinAlgError:
        raise ValueError("there is nothing to learn from: all pictures of each label are the same") from None
    directions, spread, _ = np.linalg.svd(np.linalg.solve(lower, np.stack(means, axis=1)), full_matrices=False)
    kept = min(int((spread > _RANK * spread[0]).sum()), recipe.learned) if spread[0] > 0 else 0
    if not kept:
        raise ValueError("there is nothing to tell apart: no set has photos of two labels that differ")
    found: Precise = np.linalg.solve(lower.T, directions[:, :kept])
    return found


def _components(
    sets: Sequence[Labelled], mean: Precise, classifier: Matrix, layout: Layout, recipe: Recipe, count: int
) -> Precise:
    """The general directions [F, count]."""
    plain = slice(layout.colours)  # of the network: colour counts nothing here
    weights = np.ones(layout.colours)
    weights[: layout.pooled] = recipe.levels
    # A catalogue's pictures, on white, count as a domain of their own: so do pictures of worlds that nobody fitted.
    domains = [each.features[each.shown == shown] for each in sets for shown in np.unique(each.shown)]
    rows = [(each[:, plain] - mean[plain]) * weights for each in domains]
    seen = np.mean([_scatter(each, np.ones(len(each))) for each in rows], axis=0)
    kinds = np.zeros_like(seen)
    kinds[layout.pooled :, layout.pooled :] = _scatter(classifier - classifier.mean(axis=0), np.ones(len(classifier)))
    mixed = (1 - recipe.prior) * seen / np.trace(seen) + recipe.prior * kinds / np.trace(kinds)
    _, directions = np.linalg.eigh(mixed)
    found = np.zeros((len(mean), count))
    found[plain] = weights[:, None] * directions[:, ::-1][:, :count]
    return found


def _centres(sets: Sequence[Labelled]) -> Matrix:
    """What is known: the mean of each label's photos, and that of each set's catalogue pictures, [K, P]."""
    centres = []
    for data in sets:
        pooled = unit(data.pooled)
        centres += [pooled[(data.labels == label) & ~data.shown] for label in np.unique(data.labels[~data.shown])]
        centres += [pooled[data.shown]] if data.shown.any() else []
    return unit(np.stack([rows.mean(axis=0) for rows in centres])).astype(np.float32)


def _counts(data: Labelled, recipe: Recipe) -> Precise:
    """How many photos each picture counts for."""
    return np.where(data.shown, recipe.catalogue, 1).astype(np.float64)


def _scatter(rows: NDArray[np.floating], weights: Precise) -> Precise:
    scatter: Precise = (rows * weights[:, None]).T @ rows / weights.sum()
    return scatter


def _scaled(columns: Precise) -> Precise:
    """The columns so that none is beyond 1, which float16 keeps best."""
    scaled: Precise = columns / np.abs(columns).max(initial=1e-12)
    return scaled
