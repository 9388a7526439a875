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
    """`centres` float32 [k, d], unit vectors, the strongest first; `shares` float32 [k], what each is of the whole."""

    centres: NDArray[np.float32]
    shares: NDArray[np.float32]


def find_interests(vectors: NDArray[np.float32], weights: NDArray[np.float32]) -> Interests:
    """Group unit vectors [n, d] with positive weights [n] into at most four interests.

    >>> red, blue = np.eye(2, dtype=np.float32)
    >>> found = find_interests(np.stack([red, red, blue]), np.array([1, 1, 1], np.float32))
    >>> found.centres.tolist(), [round(float(share), 2) for share in found.shares]
    ([[1.0, 0.0], [0.0, 1.0]], [0.67, 0.33])
    """
    similarity = vectors @ vectors.T
    left = weights.astype(np.float32, copy=True)
    total = float(left.sum())
    centres: list[NDArray[np.float32]] = []
    shares: list[float] = []
    while len(centres) < INTERESTS_LIMIT and (share := float(left.sum()) / total if total else 0.0) > 0:
        if centres and share < SMALLEST_SHARE:
            break
        density = np.maximum(similarity - SAME_INTEREST, 0.0) @ left
        heart = int(np.where(left > 0, density, -1.0).argmax())
        members = (similarity[heart] >= SAME_INTEREST) & (left > 0)
        members[heart] = True
        mass = np.where(members, left, 0.0)
        centre = mass @ vectors
        centres.append(centre / np.linalg.norm(centre))
        shares.append(float(mass.sum()) / total)
        left[members] = 0.0
    if not centres:
        return Interests(np.empty((0, vectors.shape[1]), np.float32), np.empty(0, np.float32))
    return Interests(np.stack(centres).astype(np.float32), np.array(shares, np.float32))
