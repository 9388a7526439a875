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


@dataclass(frozen=True, slots=True)
class Interests:
    """`centres` float32 [k, d], unit vectors, the strongest first; `shares` float32 [k], what each is of the whole.

    `hearts` int64 [k] are the medoids: the items in the densest part of each.
    """

    centres: NDArray[np.float32]
    shares: NDArray[np.float32]
    hearts: NDArray[np.int64]


def find_interests(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> Interests:
    """Group unit vectors [n, d] with positive weights [n] into at most four interests.

    >>> red, blue = np.eye(2, dtype=np.float32)
    >>> found = find_interests(np.stack([red, red, blue]), np.array([1, 1, 1], np.float32))
    >>> found.centres.tolist(), [round(float(share), 2) for share in found.shares]
    ([[1.0, 0.0], [0.0, 1.0]], [0.67, 0.33])
    """
    similarity = vectors @ vectors.T
    near = np.maximum(similarity - SAME_INTEREST, 0.0)
    alike = similarity >= SAME_INTEREST
    left = weights.astype(np.float32, copy=True)
    total = float(left.sum())
    hearts: list[int] = []
    masses: list[NDArray[np.float32]] = []
    while len(hearts) < INTERESTS_LIMIT and (share := float(left.sum()) / total if total else 0.0) > 0:
        if hearts and share < SMALLEST_SHARE:
            break
        heart = int(np.where(left > 0, near @ left, -1.0).argmax())
        members = alike[heart].copy()
        members[heart] = True
        mass = left * members
        hearts.append(heart)
        masses.append(mass)
        left -= mass
    weight = np.array(masses, np.float32).reshape(len(masses), len(left))
    centres = weight @ vectors
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    return Interests(centres, weight.sum(axis=1) / np.float32(total or 1.0), np.array(hearts, np.int64))
