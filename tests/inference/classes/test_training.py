"""Classes are learned from clouds of vectors that are known to be apart, or not."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.classes.training import HEADS, UntaughtClasses, teach

NAMES = ("boots", "hats", "shoes")


def clouds(each: int, spread: float, *, names: Sequence[str] = NAMES) -> tuple[NDArray[np.float32], list[str]]:
    """Unit vectors around one direction for each class, farther from it the larger the spread."""
    rng = np.random.default_rng(3)
    labels = [name for name in names for _ in range(each)]
    middles = np.repeat(np.eye(16, dtype=np.float32)[: len(names)], each, axis=0)
    vectors = middles + spread * rng.standard_normal(middles.shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), labels


def test_classes_that_are_apart_are_learned_and_told_with_confidence() -> None:
    vectors, labels = clouds(30, 0.1)
    taught = teach(vectors, labels, None, "e@1")
    assert (taught.accuracy, taught.few_accuracy, taught.kept, taught.precision) == (1, 1, 1, 1)
    found = [taught.classes.of(vector, "e@1") for vector in vectors]
    assert [each and each[0] for each in found] == labels


def test_what_cannot_be_told_apart_gets_no_category() -> None:
    vectors, _ = clouds(30, 0.1, names=["same"])
    taught = teach(vectors, ["a", "b", "c"] * 10, None, "e@1")
    assert taught.accuracy < 0.6
    assert taught.kept < 0.3


def test_of_sure_classes_as_many_are_right_as_asked_for() -> None:
    vectors, labels = clouds(60, 0.45)
    loose, strict = (teach(vectors, labels, None, "e@1", precision=share) for share in (0.5, 0.95))
    assert loose.kept == 1 > strict.kept > 0.3
    assert strict.precision >= 0.95 > loose.precision
    assert strict.classes.least > loose.classes.least


def test_pictures_of_one_owner_are_never_on_both_sides() -> None:
    """Each owner has a background of his own, and all pictures of a class, which says nothing of others' pictures."""
    rng = np.random.default_rng(1)
    owners = [f"u{n // 8}" for n in range(96)]
    labels = [NAMES[n // 8 % 3] for n in range(96)]
    backgrounds = rng.standard_normal((12, 16)).astype(np.float32).repeat(8, axis=0)
    vectors = backgrounds + 0.05 * rng.standard_normal((96, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert teach(vectors, labels, None, "e@1").accuracy > 0.9
    assert teach(vectors, labels, owners, "e@1").accuracy < 0.6


@pytest.mark.parametrize("head", HEADS)
def test_a_class_with_more_pictures_is_no_better_off(head: str) -> None:
    vectors, _ = clouds(40, 0.3, names=NAMES[:2])
    kept = [*range(40), *range(40, 45)]
    weights, offsets = HEADS[head](vectors[kept], np.array([0] * 40 + [1] * 5), 2)
    rest = vectors[45:] @ weights + offsets
    assert (rest.argmax(axis=1) == 1).mean() > 0.7


def test_the_same_seed_gives_the_same_classes() -> None:
    vectors, labels = clouds(20, 0.4)
    one, other = (teach(vectors, labels, None, "e@1", seed=5) for _ in range(2))
    assert one.accuracy == other.accuracy
    assert one.classes.weights.tolist() == other.classes.weights.tolist()


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (["a"] * 4, "1 classes are there: 2 to 1000"),
        (["a", "a", "b", "c"], "'b', 'c' have one example: give each class 2 or more, better 10"),
        (["a", "a", "a", "b"], "'b' has one example"),
        (["a", "a", "b" * 129, "b" * 129], "no name of a class: 1 to 128"),
    ],
)
def test_what_cannot_be_learned_is_refused_by_name(labels: list[str], why: str) -> None:
    with pytest.raises(UntaughtClasses, match=why):
        teach(np.eye(4, dtype=np.float32), labels, None, "e@1")


def test_two_examples_of_each_class_are_enough() -> None:
    vectors, labels = clouds(2, 0.1)
    assert teach(vectors, labels, None, "e@1").classes.names == NAMES
