"""Similarities of descriptors that the bench sets beside the cosine, by which the product compares."""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from features.vision.descriptors.similarities import Values, nothing_like_nothing, within_0_and_1

#: The similarity float32 [n] of values [d] to each row of others [n, d].
Similarity: TypeAlias = Callable[[Values, Values], Values]


def norm_closeness(one: Values, others: Values) -> Values:
    """1 − ‖x − y‖ / (‖x‖ + ‖y‖).

    >>> norm_closeness(np.float32([3, 0]), np.float32([[3, 0], [1, 0], [-1, 0]])).tolist()
    [1.0, 0.5, 0.0]
    """
    if not one.any():
        return nothing_like_nothing(others)
    lengths = np.linalg.norm(one) + np.linalg.norm(others, axis=1)
    return within_0_and_1(1 - np.linalg.norm(others - one, axis=1) / lengths)


def intersection(one: Values, others: Values) -> Values:
    """Histogram intersection (Swain and Ballard 1991) of non-negative values: the common part of the larger histogram.

    >>> intersection(np.float32([3, 1]), np.float32([[3, 1], [1, 3], [0, 4]])).tolist()
    [1.0, 0.5, 0.25]
    """
    if not one.any():
        return nothing_like_nothing(others)
    larger = np.maximum(one.sum(), others.sum(axis=1))
    return within_0_and_1(np.minimum(one, others).sum(axis=1) / larger)


#: By name.
OTHERS: Final[dict[str, Similarity]] = {"norm": norm_closeness, "intersection": intersection}
