"""Fits the linear map from CNN features to embeddings: photographs of one thing come close, other distances stay.

Three steps: (1) whiten the variance within classes, with shrinkage (Hatch et al. 2006, "Within-class covariance
normalization"); (2) keep the directions with the largest joint variance of the data and of the network's classifier,
which has seen far more kinds of things than the data; (3) maximise by gradient the probability that a random
neighbour has the same class (Goldberger et al. 2004, "Neighbourhood Components Analysis"), while all cosines stay
near those of the full features, so that unlabelled things keep their neighbours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Labelled:
    """`features` float64 [N, F]; `labels` int64 [N]."""

    features: Matrix
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hyperparameters, chosen on held-out classes and uploaders (docs/encoder.md)."""

    dimensions: int = 256
    shrinkage: float = 0.7
    prior: float = 0.6
    faithfulness: float = 30.0
    temperature: float = 0.1
    noise: float = 0.1
    batch: int = 512
    steps: int = 100
    rate: float = 0.01
    seed: int = 0


@dataclass(frozen=True, slots=True)
class LinearMap:
    """features → unit((features - mean) @ matrix)."""

    mean: Matrix
    matrix: Matrix

    def __call__(self, features: Matrix) -> Matrix:
        """Embed: float64 [N, D], rows of unit length."""
        return unit((features - self.mean) @ self.matrix)


def unit(rows: Matrix) -> Matrix:
    """Scale each row to length 1."""
    scaled: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return scaled


def fit(sets: Sequence[Labelled], classifier: Matrix, recipe: Recipe) -> LinearMap:
    """Fit on labelled sets of equal weight; `classifier` float64 [classes, F] is the last layer of the network.

    The same input and recipe give the same map.
    """
    mean = np.mean([s.features.mean(axis=0) for s in sets], axis=0)
    start = _spread(sets, classifier, mean, recipe)
    centred = [Labelled(s.features - mean, s.labels) for s in sets]
    length = np.mean([np.linalg.norm(s.features @ start, axis=1).mean() for s in centred])
    return LinearMap(mean, _descend(centred, start / length, recipe))


def _spread(sets: Sequence[Labelled], classifier: Matrix, mean: Matrix, recipe: Recipe) -> Matrix:
    """Steps 1 and 2, in closed form: [F, D]."""
    within = np.mean([_within_class(s) for s in sets], axis=0)
    level = np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = np.linalg.eigh((1 - recipe.shrinkage) * within + recipe.shrinkage * level)
    whiten = (vectors / np.sqrt(values)) @ vectors.T
    total = np.mean([_scatter(s.features - mean) for s in sets], axis=0)
    kinds = _scatter(classifier - classifier.mean(axis=0))
    mixed = (1 - recipe.prior) * _normalised(whiten @ total @ whiten)
    mixed += recipe.prior * _normalised(whiten @ kinds @ whiten)
    _, directions = np.linalg.eigh(mixed)
    strongest: Matrix = whiten @ directions[:, ::-1][:, : recipe.dimensions]
    return strongest


def _scatter(rows: Matrix) -> Matrix:
    scatter: Matrix = rows.T @ rows / len(rows)
    return scatter


def _normalised(scatter: Matrix) -> Matrix:
    normalised: Matrix = scatter / np.trace(scatter)
    return normalised


def _within_class(data: Labelled) -> Matrix:
    rest = data.features.copy()
    for label in np.unique(data.labels):
        rows = data.labels == label
        rest[rows] -= data.features[rows].mean(axis=0)
    return _scatter(rest)


def _descend(sets: Sequence[Labelled], matrix: Matrix, recipe: Recipe) -> Matrix:
    """Step 3, by Adam (Kingma and Ba 2015)."""
    random = np.random.default_rng(recipe.seed)
    rate = recipe.rate * np.abs(matrix).mean()
    first, second = np.zeros_like(matrix), np.zeros_like(matrix)
    for step in range(1, recipe.steps + 1):
        gradient = np.sum([_gradient(s, matrix, recipe, random) for s in sets], axis=0)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        scale = np.sqrt(second / (1 - 0.999**step)) + 1e-8
        matrix = matrix - rate * first / (1 - 0.9**step) / scale
    return matrix


def _gradient(data: Labelled, matrix: Matrix, recipe: Recipe, random: np.random.Generator) -> Matrix:
    """Gradient of `-mean log P(neighbour has the same class) + faithfulness · mean (cosine before - after)²` [F, D]."""
    batch = random.permutation(len(data.labels))[: recipe.batch]
    features, labels = data.features[batch], data.labels[batch]
    shaken = features + recipe.noise * features.std(axis=0) * random.standard_normal(features.shape)
    embeddings, lengths = _embed(shaken, matrix)
    gradient = _back(shaken, embeddings, lengths, _neighbour_slope(embeddings, labels, recipe.temperature))
    embeddings, lengths = _embed(features, matrix)
    before = unit(features)
    slope = (embeddings @ embeddings.T - before @ before.T) @ embeddings * (4 / len(batch) ** 2)
    return gradient + recipe.faithfulness * _back(features, embeddings, lengths, slope)


def _embed(features: Matrix, matrix: Matrix) -> tuple[Matrix, Matrix]:
    rows = features @ matrix
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / lengths, lengths


def _back(features: Matrix, embeddings: Matrix, lengths: Matrix, slope: Matrix) -> Matrix:
    """Gradient with respect to the matrix [F, D], from the gradient with respect to the unit embeddings [N, D]."""
    along = (slope * embeddings).sum(axis=1, keepdims=True)
    gradient: Matrix = features.T @ ((slope - embeddings * along) / lengths)
    return gradient


def _neighbour_slope(embeddings: Matrix, labels: NDArray[np.int64], temperature: float) -> Matrix:
    """Gradient of `-mean log P(neighbour has the same class)` with respect to the unit embeddings [N, D]."""
    scores = embeddings @ embeddings.T / temperature
    np.fill_diagonal(scores, -np.inf)
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    own = np.where(labels[:, None] == labels, chances, 0)
    mass = own.sum(axis=1, keepdims=True)
    pull = np.where(mass > 0, chances - own / np.maximum(mass, 1e-300), 0) / len(labels)
    slope: Matrix = (pull + pull.T) @ embeddings / temperature
    return slope
