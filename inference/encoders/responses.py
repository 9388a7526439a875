"""What Triton answered → vectors and tags that can be relied on."""

import struct

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferResult  # type: ignore[import-untyped]  # it has no types

from inference.errors import BadEmbedding

TAGS = 5
TAG_THRESHOLD = 0.05
_UNIT_TOLERANCE = 1e-3


def output(result: InferResult, name: str) -> object:
    """Return one of the tensors that were asked for; raises BadEmbedding."""
    try:
        return result.as_numpy(name)
    except (ValueError, TypeError, struct.error) as error:  # fewer bytes than the shape promises
        raise BadEmbedding(f"the output {name!r} cannot be read: {error}") from error


def embeddings(answer: object, count: int, dimensions: int) -> NDArray[np.float32]:
    """Return the answer as float32 [count, dimensions], or raise BadEmbedding."""
    if not isinstance(answer, np.ndarray):
        raise BadEmbedding("the answer holds no embedding")
    if answer.shape != (count, dimensions) or answer.dtype != np.float32:
        raise BadEmbedding(f"the embedding is {answer.dtype} {answer.shape}, not float32 ({count}, {dimensions})")
    return answer


def salience(answer: object) -> NDArray[np.float32]:
    """Return the map of one picture, float32 [n, n], or raise BadEmbedding."""
    if not isinstance(answer, np.ndarray) or answer.dtype != np.float32 or answer.ndim != 3 or len(answer) != 1:
        raise BadEmbedding("the answer holds no salience map of one picture")
    found: NDArray[np.float32] = answer[0]
    if found.shape[0] != found.shape[1] or not found.size or not np.isfinite(found).all():
        raise BadEmbedding(f"the salience map {found.shape} is not square, or holds NaN or Inf")
    return found


def unit_vector(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a copy of one embedding if it has unit length, or raise BadEmbedding."""
    vector = row.copy()
    if not np.isfinite(vector).all():
        raise BadEmbedding("the embedding holds NaN or Inf")
    length = float(np.linalg.norm(vector))
    if abs(length - 1) > _UNIT_TOLERANCE:
        raise BadEmbedding(f"the embedding has length {length:.4g}, not 1")
    return vector


def parse_tags(classes: NDArray[np.object_]) -> tuple[tuple[str, float], ...]:
    """Return the likely ones of a picture's classes, `probability:index:name` each; raise BadEmbedding otherwise.

    >>> parse_tags(np.array([b"0.71:610:jersey", b"0.2:834:suit", b"0.01:9:ostrich"], dtype=object))
    (('jersey', 0.71), ('suit', 0.2))
    """
    tags: dict[str, float] = {}
    for entry in classes:
        probability, name = _parse_class(entry)
        if probability >= TAG_THRESHOLD:
            tags.setdefault(name, probability)  # ImageNet has two cranes: the likelier one counts
    return tuple(tags.items())


def _parse_class(entry: object) -> tuple[float, str]:
    try:
        probability, _, name = bytes(entry).decode().split(":", 2)  # type: ignore[call-overload]  # checked
        value = float(probability)
    except (TypeError, ValueError) as error:
        raise BadEmbedding(f"the class {entry!r} is not probability:index:name: export the model again") from error
    if not 0 <= value <= 1.001:
        raise BadEmbedding(f"the class {entry!r} has a probability outside 0..1")
    return value, name
