"""One space of everything that a mix compares: an embedding and descriptors in a row, as one unit vector."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.mix import Mix
from features.vision.descriptors.packed import PACKED_BYTES, are_there, numbers, readable
from features.vision.descriptors.similarities import Values, unit
from features.vision.descriptors.table import DESCRIPTORS


class Fusion:
    """Joins embeddings of so many dimensions with the descriptors of a mix.

    Each part has unit length times the square root of its weight, so that the cosine of two joined vectors is the mean
    of the parts' cosines by these weights. `dimensions` are those of the joined vector.
    """

    def __init__(self, mix: Mix, embedding_dimensions: int) -> None:
        self._mix = mix
        nothing = np.zeros((1, PACKED_BYTES), np.uint8)
        self.dimensions = self.join(np.zeros((1, embedding_dimensions), np.float32), nothing).shape[1]

    def join(self, embeddings: Values, packed: NDArray[np.uint8]) -> Values:
        """Unit vectors [n, dimensions] of unit embeddings [n, d] and descriptors [n, PACKED_BYTES].

        A picture without descriptors has zeros for them: it is compared by its look, and is less like all others.
        """
        there, parts = are_there(packed)[:, None], []
        for name, weight in self._mix.weights.items():
            part = embeddings if name == "look" else there * unit(DESCRIPTORS[name].values(numbers(packed, name)))
            parts.append(np.float32(sqrt(weight)) * part)
        return unit(np.concatenate(parts, axis=1))

    def fuse(self, embedding: bytes, descriptors: bytes | None) -> bytes:
        """The joined vector of an item's embedding and descriptors, as little-endian float16 [dimensions]."""
        vector = np.frombuffer(embedding, "<f2").astype(np.float32)[None]
        packed = np.frombuffer(readable(descriptors), np.uint8)[None]
        return self.join(vector, packed).astype("<f2").tobytes()
