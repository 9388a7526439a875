"""How alike two descriptors are: 0 to 1, the same both ways, and 1 for a descriptor and itself."""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.mix import Mix
from sightline_client.events import ComparedBy

Values: TypeAlias = NDArray[np.float32]


def cosine(one: Values, others: Values) -> Values:
    """The cosine of the angle; what points away from each other, by centred values, is not alike at all.

    >>> [f"{each:.2f}" for each in cosine(np.float32([3, 0]), np.float32([[3, 0], [1, 1], [0, 2], [-1, 0]]))]
    ['1.00', '0.71', '0.00', '0.00']
    """
    if not one.any():
        return nothing_like_nothing(others)
    return within_0_and_1(others @ one / (np.linalg.norm(one) * _lengths(others)))


def mean_of(similarities: Mapping[ComparedBy, Values], mix: Mix) -> Values:
    """The mean float32 [n], or [n, m], by the weights of a mix, over what is not NaN; NaN where all is.

    >>> likeness = {"look": np.float32([0.5, 0.5]), "colour": np.float32([1.0, np.nan])}
    >>> mean_of(likeness, Mix.parse("look=0.75,colour=0.25")).tolist()
    [0.625, 0.5]
    """
    parts = [similarities[name] for name in mix.weights]
    total, weights = np.zeros_like(parts[0]), np.zeros_like(parts[0])
    for part, weight in zip(parts, mix.weights.values(), strict=True):
        total += np.float32(weight) * np.nan_to_num(part)
        weights += np.float32(weight) * ~np.isnan(part)
    weights[weights == 0] = np.nan
    means: Values = total / weights
    return means


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


def nothing_like_nothing(others: Values) -> Values:
    """Two descriptors of nothing, such as the edges of a picture of one colour, are the same."""
    return np.logical_not(others.any(axis=1)).astype(np.float32)


def within_0_and_1(similarities: NDArray[np.floating]) -> Values:
    """Without errors of rounding; what points away from each other is not alike at all."""
    return similarities.clip(0, 1).astype(np.float32)
