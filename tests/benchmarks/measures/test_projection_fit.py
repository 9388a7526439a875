from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.measures.projection_fit import Labelled, Matrix, Recipe, _gradient, fit, unit

RECIPE = Recipe(dimensions=4, batch=60, steps=20, noise=0, faithfulness=3, temperature=0.3)


@pytest.fixture
def data() -> Labelled:
    """Four classes that differ in the four quietest of twelve directions."""
    random = np.random.default_rng(0)
    labels: NDArray[np.int64] = random.integers(0, 4, 60)
    features = random.standard_normal((60, 12)) * np.r_[np.ones(8) * 5, np.ones(4) * 0.3]
    features[:, 8:] += np.eye(4)[labels]
    return Labelled(features, labels)


def loss(data: Labelled, matrix: Matrix) -> float:
    embeddings, before = unit(data.features @ matrix), unit(data.features)
    scores = embeddings @ embeddings.T / RECIPE.temperature
    np.fill_diagonal(scores, -np.inf)
    chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    mass = np.where(data.labels[:, None] == data.labels, chances, 0).sum(axis=1)
    moved = ((embeddings @ embeddings.T - before @ before.T) ** 2).mean()
    return float(-np.log(mass).mean() + RECIPE.faithfulness * moved)


def test_the_gradient_is_the_slope_of_the_loss(data: Labelled) -> None:
    matrix = np.random.default_rng(1).standard_normal((12, 4))
    slope = _gradient(data, matrix, RECIPE, np.random.default_rng(0))

    for at in [(0, 0), (3, 2), (11, 3)]:
        step = np.zeros_like(matrix)
        step[at] = 1e-5
        assert slope[at] == pytest.approx((loss(data, matrix + step) - loss(data, matrix - step)) / 2e-5, abs=1e-6)


def test_the_fit_brings_classes_together_that_loud_directions_hid(data: Labelled) -> None:
    classifier = np.random.default_rng(2).standard_normal((20, 12))
    recipe = replace(RECIPE, shrinkage=1e-3, prior=0.1, faithfulness=0)
    embeddings = fit([data], classifier, recipe)(data.features)
    raw = unit(data.features)

    same = data.labels[:, None] == data.labels
    gap = (embeddings @ embeddings.T)[same].mean() - (embeddings @ embeddings.T)[~same].mean()
    raw_gap = (raw @ raw.T)[same].mean() - (raw @ raw.T)[~same].mean()
    assert gap > raw_gap + 0.2


def test_the_same_input_gives_the_same_map(data: Labelled) -> None:
    classifier = np.random.default_rng(2).standard_normal((20, 12))

    first, second = (fit([data], classifier, RECIPE) for _ in range(2))

    np.testing.assert_array_equal(first.matrix, second.matrix)
