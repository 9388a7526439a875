"""A deployment's own classes, as a value and as the bytes of a file (`sightline train classes`)."""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.trained.stored_file import StoredFile

CLASSES_LIMIT = 1_000
#: As long as a category may be.
NAME_LIMIT = 128
DIMENSIONS_LIMIT = 4_096
FILE_BYTES = 4 * CLASSES_LIMIT * (DIMENSIONS_LIMIT + 1) + 8 * NAME_LIMIT * CLASSES_LIMIT
#: The greatest weight, offset and sharpness.
_MOST = 1e6
_FLOATS = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes by `names`, of pictures with unit vectors x [d] of one `encoder` (its name and version).

    The score of each class is x · weights + offsets, of `weights` float32 [d, k] and `offsets` float32 [k]; the softmax
    of scores times `sharpness` is its confidence (temperature scaling: Guo et al. 2017). The best class counts from the
    confidence `least` on; by cross-validation, `accuracy` of pictures have the right best class.
    """

    names: tuple[str, ...]
    encoder: str
    weights: NDArray[np.float32]
    offsets: NDArray[np.float32]
    sharpness: float
    least: float
    accuracy: float

    @property
    def keys(self) -> tuple[str, ...]:
        """What it knows: the names."""
        return self.names

    def of(self, embedding: NDArray[np.float32], encoder: str) -> tuple[str, float] | None:
        """The class of a picture and how sure that is, 0 to 1.

        None where no class is sure enough, and for a vector of another encoder, which means nothing here.
        """
        if encoder != self.encoder or len(embedding) != len(self.weights):
            return None
        confidences = softmax((embedding @ self.weights + self.offsets)[None] * self.sharpness)[0]
        best = int(confidences.argmax())
        confidence = float(confidences[best])
        return (self.names[best], round(confidence, 4)) if confidence >= self.least else None


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """The confidences of scores [n, k]: they are above 0, and sum to 1."""
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    confidences: NDArray[np.float32] = shares / shares.sum(axis=1, keepdims=True)
    return confidences


class _Stored(msgspec.Struct, frozen=True):
    format: int
    names: tuple[str, ...]
    encoder: str
    weights: bytes
    offsets: bytes
    sharpness: float
    least: float
    accuracy: float


_FILE = StoredFile("a file of classes", 1, FILE_BYTES, "sightline train classes", _Stored)


def encode_classes(classes: Classes) -> bytes:
    """The classes in MessagePack."""
    return _FILE.encode(
        names=classes.names,
        encoder=classes.encoder,
        weights=classes.weights.astype(_FLOATS).tobytes(),
        offsets=classes.offsets.astype(_FLOATS).tobytes(),
        sharpness=classes.sharpness,
        least=classes.least,
        accuracy=classes.accuracy,
    )


def decode_classes(data: bytes) -> Classes:
    """Decode what encode_classes made; raises ModelRefused for what this release cannot use."""
    stored = _FILE.decode(data)
    count = len(stored.names)
    if not 2 <= count <= CLASSES_LIMIT or len({*stored.names}) < count:
        raise _FILE.refused(f"names {count} classes, some twice or not 2 to {CLASSES_LIMIT}")
    if not all(0 < len(name) <= NAME_LIMIT for name in stored.names):
        raise _FILE.refused(f"has a name that is no category: 1 to {NAME_LIMIT} characters")
    dimensions, rest = divmod(len(stored.weights), count * _FLOATS.itemsize)
    if rest or not 1 <= dimensions <= DIMENSIONS_LIMIT or len(stored.offsets) != count * _FLOATS.itemsize:
        raise _FILE.refused(f"has {len(stored.weights)} bytes of weights for {count} classes: it has another shape")
    weights = np.frombuffer(stored.weights, _FLOATS).astype(np.float32).reshape(dimensions, count)
    offsets = np.frombuffer(stored.offsets, _FLOATS).astype(np.float32)
    # NaN is not less than anything.
    if not (np.abs(weights).max() <= _MOST and np.abs(offsets).max() <= _MOST and 0 < stored.sharpness <= _MOST):
        raise _FILE.refused("has a weight that is no number, or beyond a million")
    if not (0 <= stored.least <= 1 and 0 <= stored.accuracy <= 1):
        raise _FILE.refused("has a confidence or an accuracy that is not within 0 and 1")
    return Classes(stored.names, stored.encoder, weights, offsets, stored.sharpness, stored.least, stored.accuracy)
