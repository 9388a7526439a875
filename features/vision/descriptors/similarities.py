"""How alike two descriptors are: 0 to 1, the same both ways, and 1 for a descriptor and itself."""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float32]
#: The similarity float32 [n] of values [d] to each row of others [n, d].
Similarity: TypeAlias = Callable[[Values, Values], Values]


def cosine(one: Values, others: Values) -> Values:
    """The cosine of the angle; what points away from each other, by centred values, is not alike at all.

    >>> [f"{each:.2f}" for each in cosine(np.float32([3, 0]), np.float32([[3, 0], [1, 1], [0, 2], [-1, 0]]))]
    ['1.00', '0.71', '0.00', '0.00']
    """
    if not one.any():
        return _nothing_like_nothing(others)
    return _within(others @ one / (np.linalg.norm(one) * _lengths(others)))


def norm_closeness(one: Values, others: Values) -> Values:
    """1 − ‖x − y‖ / (‖x‖ + ‖y‖).

    >>> norm_closeness(np.float32([3, 0]), np.float32([[3, 0], [1, 0], [-1, 0]])).tolist()
    [1.0, 0.5, 0.0]
    """
    if not one.any():
        return _nothing_like_nothing(others)
    lengths = np.linalg.norm(one) + np.linalg.norm(others, axis=1)
    return _within(1 - np.linalg.norm(others - one, axis=1) / lengths)


def intersection(one: Values, others: Values) -> Values:
    """Histogram intersection (Swain and Ballard 1991) of non-negative values: the common part of the larger histogram.

    >>> intersection(np.float32([3, 1]), np.float32([[3, 1], [1, 3], [0, 4]])).tolist()
    [1.0, 0.5, 0.25]
    """
    if not one.any():
        return _nothing_like_nothing(others)
    larger = np.maximum(one.sum(), others.sum(axis=1))
    return _within(np.minimum(one, others).sum(axis=1) / larger)


SIMILARITIES: Final[dict[str, Similarity]] = {
    "cosine": cosine,
    "norm": norm_closeness,
    "intersection": intersection,
}


def centred(rows: Values) -> Values:
    """Rows [n, d] less the mean of each: then a cosine is a correlation, and says nothing of what all have."""
    less: Values = rows - rows.mean(axis=1, keepdims=True)
    return less


def unit(rows: Values) -> Values:
    """Rows [n, d] scaled to length 1; a row of zeros stays."""
    scaled: Values = rows / _lengths(rows)[:, None]
    return scaled


def _lengths(rows: Values) -> Values:
    """The length of each row [n, d]; 1 for a row of zeros, by which one can divide."""
    lengths = np.empty(len(rows), np.float32)
    lengths[:] = np.linalg.norm(rows, axis=1)
    lengths[lengths == 0] = 1
    return lengths


def _nothing_like_nothing(others: Values) -> Values:
    """Two descriptors of nothing, such as the edges of a picture of one colour, are the same."""
    return np.logical_not(others.any(axis=1)).astype(np.float32)


def _within(similarities: NDArray[np.floating]) -> Values:
    """Without errors of rounding."""
    return similarities.clip(0, 1).astype(np.float32)
