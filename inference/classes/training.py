"""Learns classes from the vectors of a few pictures of each, and says how right it is on pictures held out.

Two heads are tried, both linear in the vector: the nearest prototype (the mean of a class: Snell, Swersky & Zemel 2017)
and a ridge classifier (Hoerl & Kennard 1970) in which each class counts the same. Cross-validation takes the better.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inference.classes.file import CLASSES_LIMIT, NAME_LIMIT, Classes, softmax

#: Parts into which pictures are split: each is judged by what the others teach.
FOLDS: Final = 5
#: Pictures of a class that the second figure is learned from.
FEW: Final = 10
_DRAWS: Final = 3
#: Of pictures whose class is sure enough, this share has the right one.
PRECISION: Final = 0.95
_RIDGE: Final = 1.0
_SHARPEST: Final = 200.0

Matrix: TypeAlias = NDArray[np.float32]
#: From vectors [n, d] and the numbers of their classes [n] out of k, weights [d, k] and offsets [k].
Head: TypeAlias = Callable[[Matrix, NDArray[np.int64], int], tuple[Matrix, Matrix]]


class UntaughtClasses(ValueError):
    """Examples that no classes can be learned from; the message says what lacks."""


@dataclass(frozen=True, slots=True)
class Taught:
    """Classes, the head that they have, and the shares of held-out pictures with the right best class.

    `few_accuracy` is of heads that learned from FEW pictures of each class; None where no class has others.
    `kept` is the share of pictures whose class is sure enough, of which `precision` is right.
    """

    classes: Classes
    head: str
    accuracy: float
    few_accuracy: float | None
    kept: float
    precision: float


def teach(
    vectors: Matrix,
    labels: Sequence[str],
    groups: Sequence[str] | None,
    encoder: str,
    *,
    precision: float = PRECISION,
    seed: int = 0,
) -> Taught:
    """Learn classes from unit vectors [n, d] with their labels [n]; raises UntaughtClasses.

    Pictures of one of the `groups` [n], such as a person's, are never on both sides; without groups each
    picture is one.
    """
    names, numbers = np.unique(np.array(labels), return_inverse=True)
    _check([str(name) for name in names], np.bincount(numbers))
    rng = np.random.default_rng(seed)
    parts = _parts(numbers, groups, rng)
    judged = {name: _held_out(head, vectors, numbers, parts) for name, head in HEADS.items()}
    rights = {name: float((scores.argmax(axis=1) == numbers).mean()) for name, scores in judged.items()}
    best = max(rights, key=lambda name: rights[name])
    sharpness = _sharpness(judged[best], numbers)
    confidences = softmax(judged[best] * sharpness)
    is_right, sure = confidences.argmax(axis=1) == numbers, confidences.max(axis=1)
    least = _least(sure, is_right, precision)
    kept = sure >= least
    weights, offsets = HEADS[best](vectors, numbers, len(names))
    found = Classes(tuple(map(str, names)), encoder, weights, offsets, sharpness, least, rights[best])
    few = _few_accuracy(HEADS[best], vectors, numbers, groups, rng)
    return Taught(
        found, best, rights[best], few, float(kept.mean()), float(is_right[kept].mean()) if kept.any() else 0.0
    )


def prototypes(vectors: Matrix, numbers: NDArray[np.int64], count: int) -> tuple[Matrix, Matrix]:
    """The unit means of the classes: a score is the cosine to one. See `Head`."""
    sums = np.zeros((count, vectors.shape[1]), np.float32)
    np.add.at(sums, numbers, vectors)
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)
    return np.ascontiguousarray((sums / lengths).T, np.float32), np.zeros(count, np.float32)


def ridge(vectors: Matrix, numbers: NDArray[np.int64], count: int) -> tuple[Matrix, Matrix]:
    """One class against the others by least squares, ±1, with a penalty on the weights. See `Head`."""
    sizes = np.bincount(numbers, minlength=count)
    each = (len(numbers) / np.maximum(sizes, 1) / count)[numbers][:, None]
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred, wanted = vectors - mean, 2.0 * np.eye(count)[numbers] - 1
    middle = (wanted * each).mean(axis=0)
    gram = (centred * each).T @ centred + _RIDGE * np.eye(vectors.shape[1])
    weights = np.linalg.solve(gram, (centred * each).T @ (wanted - middle))
    return weights.astype(np.float32), (middle - mean @ weights).astype(np.float32)


HEADS: Final[dict[str, Head]] = {"prototype": prototypes, "ridge": ridge}


def _check(names: Sequence[str], sizes: NDArray[np.int64]) -> None:
    if not 2 <= len(names) <= CLASSES_LIMIT:
        raise UntaughtClasses(f"{len(names)} classes are there: 2 to {CLASSES_LIMIT} can be told apart")
    alone = [name for name, size in zip(names, sizes, strict=True) if size < 2]
    if alone:
        more = f" and {len(alone) - 3} others have" if len(alone) > 3 else " has" if len(alone) == 1 else " have"
        raise UntaughtClasses(
            f"{', '.join(map(repr, alone[:3]))}{more} one example: give each class 2 or more, better {FEW}"
        )
    long = next((name for name in names if not 0 < len(name) <= NAME_LIMIT), None)
    if long is not None:
        raise UntaughtClasses(f"{long[:40]!r} is no name of a class: 1 to {NAME_LIMIT} characters")


def _parts(numbers: NDArray[np.int64], groups: Sequence[str] | None, rng: np.random.Generator) -> NDArray[np.int64]:
    """The part of each picture, 0 to FOLDS - 1: whole groups, or pictures spread over the parts within each class."""
    if groups is not None:
        names, group = np.unique(np.array(groups), return_inverse=True)
        parts: NDArray[np.int64] = (rng.permutation(len(names)) % FOLDS)[group]
        return parts
    order = np.lexsort((rng.random(len(numbers)), numbers))
    parts = np.empty(len(numbers), np.int64)
    parts[order] = np.arange(len(numbers)) % FOLDS
    return parts


def _held_out(head: Head, vectors: Matrix, numbers: NDArray[np.int64], parts: NDArray[np.int64]) -> Matrix:
    """The scores [n, k] of each picture by what the pictures of other parts teach; a class that they lack has less."""
    count = int(numbers.max()) + 1
    scores = np.full((len(numbers), count), -1e3, np.float32)
    for part in np.unique(parts):
        here = parts == part
        known = np.unique(numbers[~here])
        if len(known) > 1:
            weights, offsets = head(vectors[~here], np.searchsorted(known, numbers[~here]), len(known))
            scores[np.ix_(here, known)] = vectors[here] @ weights + offsets
    return scores


def _sharpness(scores: Matrix, numbers: NDArray[np.int64]) -> float:
    """By how much scores grow for the least cross-entropy of the softmax, 1 to _SHARPEST."""
    tried = np.geomspace(1, _SHARPEST, 60)
    losses = [
        -np.log(np.maximum(softmax(scores * each)[np.arange(len(numbers)), numbers], 1e-9)).mean() for each in tried
    ]
    return float(tried[int(np.argmin(losses))])


def _least(sure: Matrix, is_right: NDArray[np.bool_], precision: float) -> float:
    """The least confidence from which on this share of the pictures is right; 1 where there is none."""
    order = np.argsort(-sure)
    shares = is_right[order].cumsum() / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= precision)
    return float(sure[order[enough[-1]]]) if len(enough) else 1.0


def _few_accuracy(
    head: Head,
    vectors: Matrix,
    numbers: NDArray[np.int64],
    groups: Sequence[str] | None,
    rng: np.random.Generator,
) -> float | None:
    """The accuracy after FEW pictures of each class, drawn _DRAWS times, on pictures of other groups."""
    group = np.arange(len(numbers)) if groups is None else np.unique(np.array(groups), return_inverse=True)[1]
    found = []
    for _ in range(_DRAWS):
        order = rng.permutation(len(numbers))
        order = order[np.argsort(numbers[order], kind="stable")]
        starts = np.searchsorted(numbers[order], numbers[order])
        learned = order[np.arange(len(order)) - starts < FEW]
        others = np.flatnonzero(~np.isin(group, group[learned]))
        if len(others):
            weights, offsets = head(vectors[learned], numbers[learned], int(numbers.max()) + 1)
            found.append(float(((vectors[others] @ weights + offsets).argmax(axis=1) == numbers[others]).mean()))
    return float(np.mean(found)) if found else None
