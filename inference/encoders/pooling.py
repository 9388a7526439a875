"""Several encodings of one item as one, such as those of a clip's frames."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference.encoders.encoder import Encoding

Shares = tuple[tuple[str, float], ...]


def pooled(encodings: Sequence[Encoding]) -> Encoding:
    """The mean of the embeddings as a unit vector, and of the tags; of the first alone where they cancel out."""
    mean: NDArray[np.float32] = np.stack([each.embedding for each in encodings]).mean(axis=0)
    length = float(np.linalg.norm(mean))
    first = encodings[0]
    embedding = mean / np.float32(length) if length > 1e-6 else first.embedding
    return Encoding(embedding, mean_shares([each.tags for each in encodings], len(first.tags)), first.version)


def mean_shares(each: Sequence[Shares], most: int | None = None) -> Shares:
    """The mean of shares by name, the largest first; a name that one lacks has the share 0 there.

    >>> mean_shares([(("red", 0.6), ("blue", 0.4)), (("blue", 1.0),)])
    (('blue', 0.7), ('red', 0.3))
    """
    sums: defaultdict[str, float] = defaultdict(float)
    for shares in each:
        for name, share in shares:
            sums[name] += share
    means = [(name, total / len(each)) for name, total in sums.items()]
    return tuple(sorted(means, key=lambda pair: -pair[1])[:most])
