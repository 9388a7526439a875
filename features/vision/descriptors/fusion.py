"""One space of everything that a mix compares: an embedding, descriptors and words in a row, as one unit vector."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors.mix import Mix
from features.vision.descriptors.packed import PACKED_BYTES, are_there, numbers, readable
from features.vision.descriptors.similarities import Values, unit
from features.vision.descriptors.table import DESCRIPTORS
from features.words.item_words import DIMENSIONS


class Fusion:
    """Joins embeddings of so many dimensions with the descriptors, and the words, of a mix.

    Each part has unit length times the square root of its weight, so that the cosine of two joined vectors is the mean
    of the parts' cosines by these weights. `dimensions` are those of the joined vector.
    """

    def __init__(self, mix: Mix, embedding_dimensions: int) -> None:
        self._mix = mix
        self._embedding_dimensions = embedding_dimensions
        self.has_words = "words" in mix.weights
        nothing = np.zeros((1, PACKED_BYTES), np.uint8)
        self.dimensions = self.join(np.zeros((1, embedding_dimensions), np.float32), nothing).shape[1]

    def join(self, embeddings: Values, packed: NDArray[np.uint8], words: Values | None = None) -> Values:
        """Unit vectors [n, dimensions] of unit embeddings [n, d], descriptors [n, PACKED_BYTES] and words [n, …].

        What an item lacks is zeros: it is compared by the rest, and is less like all others.
        """
        there, parts = are_there(packed)[:, None], []
        for name, weight in self._mix.weights.items():
            if name == "look":
                part = embeddings
            elif name == "words":
                part = np.zeros((len(embeddings), DIMENSIONS), np.float32) if words is None else words
            else:
                part = there * unit(DESCRIPTORS[name].values(numbers(packed, name)))
            parts.append(np.float32(sqrt(weight)) * part)
        return unit(np.concatenate(parts, axis=1))

    def fuse(self, embedding: bytes | None, descriptors: bytes | None, words: bytes | None = None) -> bytes:
        """The joined vector of an item's vectors and descriptors, as little-endian float16 [dimensions]."""
        vector = _read(embedding, self._embedding_dimensions)
        packed = np.frombuffer(readable(descriptors), np.uint8)[None]
        return self.join(vector, packed, _read(words, DIMENSIONS)).astype("<f2").tobytes()


def _read(vector: bytes | None, dimensions: int) -> Values:
    """A vector as a row, float32 [1, dimensions]; zeros for None."""
    if vector is None:
        return np.zeros((1, dimensions), np.float32)
    return np.frombuffer(vector, "<f2").astype(np.float32)[None]
