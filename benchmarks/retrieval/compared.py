"""How much nearer one encoder brings pictures of one label than another: differences with their intervals."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluation.intervals import Interval, ratios
from benchmarks.retrieval.ways import Matrix

_SEED = 0


def hits(embeddings: Matrix, labels: NDArray[np.generic], depth: int) -> NDArray[np.float64]:
    """Of each picture [n] the share of its `depth` nearest others that have its label, by cosine of unit rows.

    With fewer others the share is of them all.
    """
    cosines, depth = embeddings @ embeddings.T, min(depth, len(labels) - 1)
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argpartition(-cosines, depth, axis=1)[:, :depth]
    shares: NDArray[np.float64] = (labels[nearest] == labels[:, None]).mean(axis=1)
    return shares


def found_first(
    embeddings: Matrix, labels: NDArray[np.generic], gallery: Matrix, shown: NDArray[np.generic]
) -> NDArray[np.float64]:
    """Whether the nearest catalogue picture has the label, 0 or 1 for each picture [n]."""
    found: NDArray[np.float64] = (shown[(embeddings @ gallery.T).argmax(axis=1)] == labels).astype(np.float64)
    return found


def gain(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Interval:
    """The mean of ours less theirs, with the bootstrap interval over the pictures: paired, both of the same ones."""
    (found,) = ratios((ours - theirs)[None], np.ones((1, len(ours))), _SEED)
    return found
