"""A user's several interests: the groups that the vectors of engaged items fall into.

After PinnerSage (Pal et al. 2020, arXiv:2007.03634): a person is better described by a few medoids than by one mean,
which lies where nothing is. Here the groups are found greedily around the densest item, at the moment of use.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

INTERESTS_LIMIT = 4
#: Cosine similarity from which two pictures belong to one interest (measured: docs/encoder.md).
SAME_INTEREST = 0.35
SMALLEST_SHARE = 0.05
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class Interests:
    """At most k = INTERESTS_LIMIT interests of each of u users, the strongest first.

    `centres` float32 [u, k, d], unit vectors; `shares` float32 [u, k], what each is of the whole; `hearts` int64
    [u, k], the medoids: the items in the densest part of each. Where there are fewer, 0, 0 and -1.
    """

    centres: NDArray[np.float32]
    shares: NDArray[np.float32]
    hearts: NDArray[np.int64]


def find_interests(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> Interests:
    """Group each user's unit vectors [u, n, d] with weights [u, n]; a weight of 0 is no item.

    >>> red, blue = np.eye(2, dtype=np.float32)
    >>> found = find_interests(np.stack([[red, red, blue]]), np.array([[1, 1, 1]], np.float32))
    >>> found.centres[0].tolist(), [round(share, 2) for share in found.shares[0].tolist()]
    ([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]], [0.67, 0.33, 0.0, 0.0])
    """
    users, items, _ = vectors.shape
    similarity = vectors @ vectors.transpose(0, 2, 1)
    near = np.maximum(similarity - SAME_INTEREST, 0.0)
    alike = similarity >= SAME_INTEREST
    each = np.arange(users)
    left = weights.astype(np.float32, copy=True)
    total = np.maximum(left.sum(axis=1), _TINY)
    masses = np.zeros((users, INTERESTS_LIMIT, items), np.float32)
    hearts = np.full((users, INTERESTS_LIMIT), -1, np.int64)
    for number in range(INTERESTS_LIMIT if items else 0):
        worth = left.sum(axis=1) > total * (SMALLEST_SHARE if number else 0.0)
        if not worth.any():
            break
        density = np.matmul(near, left[:, :, None])[:, :, 0]
        heart = np.where(left > 0, density, -1.0).argmax(axis=1)
        masses[:, number] = left * alike[each, heart] * worth[:, None]
        hearts[:, number] = np.where(worth, heart, -1)
        left -= masses[:, number]
    centres = masses @ vectors
    length = np.sqrt(np.einsum("ukd,ukd->uk", centres, centres))
    centres /= np.maximum(length, _TINY)[:, :, None]
    return Interests(centres, masses.sum(axis=2) / total[:, None], hearts)
