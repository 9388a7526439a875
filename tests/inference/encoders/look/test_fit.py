"""The fit on features whose labels differ in the quietest directions."""

from dataclasses import replace

import numpy as np
import pytest

from inference.encoders.look.fit import Labelled, Layout, Recipe, fit
from inference.encoders.look.projection import Matrix

LAYOUT = Layout(pooled=4, colours=16)
RECIPE = Recipe(dimensions=8, shrinkage=0.01)
CLASSIFIER: Matrix = np.random.default_rng(2).standard_normal((20, 12)).astype(np.float32)


def data(seed: int = 0, count: int = 80) -> Labelled:
    """Four labels that differ in four quiet directions of the pooled features, which are 12 of 20."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, count)
    features = random.standard_normal((count, 20)) * np.r_[np.ones(12) * 2, np.ones(8) * 0.3]
    features[:, 12:16] += 2 * np.eye(4)[labels]
    joined = features.astype(np.float32)
    return Labelled(joined, joined[:, 4:16], labels, np.zeros(count, bool))


def gap(embeddings: Matrix, labels: np.ndarray) -> float:
    """Mean cosine within labels less that across them."""
    cosines, same = embeddings @ embeddings.T, labels[:, None] == labels
    return float(cosines[same].mean() - cosines[~same].mean())


def test_other_pictures_of_the_labels_come_together_though_loud_directions_hid_them() -> None:
    found, other = fit([data()], CLASSIFIER, LAYOUT, RECIPE), data(seed=1)
    plain = other.features / np.linalg.norm(other.features, axis=1, keepdims=True)

    assert (found.learned, found.matrix.shape) == (3, (20, 8))
    known = replace(found, low=1.0, high=1.0)  # the learned part alone, as for what is surely known
    assert gap(known.embed(other.features, other.pooled), other.labels) > gap(plain, other.labels) + 0.2


def test_the_same_input_gives_the_same_map() -> None:
    first, second = (fit([data()], CLASSIFIER, LAYOUT, RECIPE) for _ in range(2))
    np.testing.assert_array_equal(first.matrix, second.matrix)


def test_without_learned_directions_the_map_is_the_general_part_alone_whatever_the_labels_say() -> None:
    found = fit([data()], CLASSIFIER, LAYOUT, replace(RECIPE, learned=0))
    other = replace(data(), labels=np.zeros(80, np.int64))

    assert (found.learned, found.matrix.shape) == (0, (20, 8))
    np.testing.assert_array_equal(found.matrix, fit([other], CLASSIFIER, LAYOUT, replace(RECIPE, learned=0)).matrix)


def test_colour_counts_nothing_in_the_general_part() -> None:
    found = fit([data()], CLASSIFIER, LAYOUT, RECIPE)
    assert not found.matrix[LAYOUT.colours :, found.learned :].any()
    assert found.matrix[LAYOUT.colours :, : found.learned].any()


def test_two_sets_are_told_apart_within_themselves_and_catalogue_pictures_are_one_known_kind() -> None:
    one, other = data(), data(seed=3)
    shown = replace(other, shown=np.arange(80) < 8)
    found = fit([one, shown], CLASSIFIER, LAYOUT, RECIPE)

    assert (found.learned, len(found.centres)) == (6, 4 + 4 + 1)


def test_one_label_alone_has_nothing_to_be_told_apart_from() -> None:
    with pytest.raises(ValueError, match="nothing to tell apart"):
        fit([replace(data(), labels=np.zeros(80, np.int64))], CLASSIFIER, LAYOUT, RECIPE)


def test_of_pictures_that_are_all_the_same_it_is_said_that_there_is_nothing_to_learn() -> None:
    same = data()
    with pytest.raises(ValueError, match="all pictures of each label are the same"):
        fit([replace(same, features=np.zeros_like(same.features))], CLASSIFIER, LAYOUT, RECIPE)
