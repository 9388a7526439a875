"""The interests of a user: clusters of the vectors of engaged items.

After PinnerSage (Pal et al. 2020, arXiv:2007.03634): a few medoids describe a person better than one mean, which may
lie where no item is. Here the clusters form greedily around the densest item, each time they are needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot

INTERESTS_LIMIT = 4
#: Least cosine similarity of two pictures of one interest (measured: docs/encoder.md).
SAME_INTEREST = 0.5
SMALLEST_SHARE = 0.05
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class Interests:
    """At most k = INTERESTS_LIMIT interests of each of u users, the densest first.

    `centres` float32 [u, k, d], unit vectors; `shares` float32 [u, k] of the total weight; `medoids` int64 [u, k], the
    index of the densest item of each. Missing interests have 0, 0 and -1.
    """

    centres: NDArray[np.float32]
    shares: NDArray[np.float32]
    medoids: NDArray[np.int64]


def find_interests(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> Interests:
    """Cluster the unit vectors [u, n, d] of each user with weights [u, n].

    Entries of weight 0, and vectors of zeros (items without a picture), are ignored.

    >>> red, blue = np.eye(2, dtype=np.float32)
    >>> found = find_interests(np.stack([[red, red, blue]]), np.array([[1, 1, 1]], np.float32))
    >>> found.centres[0].tolist(), [round(share, 2) for share in found.shares[0].tolist()]
    ([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]], [0.67, 0.33, 0.0, 0.0])
    """
    users, _, dimensions = vectors.shape
    found = Interests(
        np.zeros((users, INTERESTS_LIMIT, dimensions), np.float32),
        np.zeros((users, INTERESTS_LIMIT), np.float32),
        np.full((users, INTERESTS_LIMIT), -1, np.int64),
    )
    for user in range(users):
        _group(vectors[user], weights[user], found.centres[user], found.shares[user], found.medoids[user])
    return found


@compiled
def _group(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    centres: NDArray[np.float32],
    shares: NDArray[np.float32],
    medoids: NDArray[np.int64],
) -> None:
    """Fill in the interests of one user: `vectors` [n, d], `weights` [n]; `centres` [k, d], `shares`, `medoids` [k]."""
    similarity = _similarities(vectors, weights)
    # Every unit vector is similar to itself.
    left = np.where(np.diag(similarity) > 0, weights, np.float32(0))
    total = max(left.sum(), _TINY)
    for number in range(INTERESTS_LIMIT):
        if left.sum() <= total * (SMALLEST_SHARE if number else 0.0):
            break
        medoid = _densest(similarity, left)
        mass = np.float32(0)
        for item in range(len(left)):
            if similarity[medoid, item] >= SAME_INTEREST:
                for index in range(len(vectors[item])):
                    centres[number, index] += left[item] * vectors[item, index]
                mass += left[item]
                left[item] = 0
        centres[number] /= max(np.sqrt(dot(centres[number], centres[number])), _TINY)
        shares[number] = mass / total
        medoids[number] = medoid


@compiled
def _similarities(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cosine similarities of all pairs [n, n]; rows and columns of weight 0 may stay 0, since they are not read."""
    similarity = np.zeros((len(weights), len(weights)), np.float32)
    for one in range(len(weights)):
        for other in range(one + 1 if weights[one] > 0 else 0):
            similarity[one, other] = similarity[other, one] = dot(vectors[one], vectors[other])
    return similarity


@compiled
def _densest(similarity: NDArray[np.float32], weights: NDArray[np.float32]) -> int:
    """The item of the highest density: the weights near it, weighted by similarity above SAME_INTEREST."""
    medoid, most = -1, np.float32(-1)
    for item in range(len(weights)):
        if weights[item] > 0:
            density = np.float32(0)
            for other in range(len(weights)):
                density += max(similarity[item, other] - np.float32(SAME_INTEREST), np.float32(0)) * weights[other]
            if density > most:
                medoid, most = item, density
    return medoid
