"""The map from features to embeddings as a value, and the file that it is kept in."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inference.files import replace_file

Matrix: TypeAlias = NDArray[np.float32]
#: Weights of a network by name, as a file keeps them.
Weights: TypeAlias = Mapping[str, NDArray[np.float16]]

#: The gate opens around this cosine to the nearest of the known kinds, and so fast.
OPENS_AT: Final = 0.53
STEEPNESS: Final = 40.0
_FIELDS: Final = ("mean", "matrix", "centres", "learned", "low", "high")
#: Before the names of weights.
_NETWORK: Final = "network/"
#: The arrays of a file have so many bytes at most; those of a tuned network have 8 million.
_BYTES_LIMIT: Final = 64_000_000


@dataclass(frozen=True, slots=True)
class Projection:
    """Joined features [n, F] → two parts of (features - mean) @ matrix, each of unit length, joined by their weights.

    The first `learned` columns tell known kinds apart, the others keep what the network says of any picture. The
    weight of the learned part, as a share of the squared length, goes from `low` to `high` as the pooled features
    [n, P] come near one of `centres` [K, P], of unit length: the gate. Without learned columns there is no gate.
    `weights` are those that the map's network has in place of its own; without any it is as it was trained.
    """

    mean: Matrix
    matrix: Matrix
    centres: Matrix
    learned: int = 0
    low: float = 0.0
    high: float = 0.0
    weights: Weights = field(default_factory=dict)

    def gate(self, pooled: Matrix) -> Matrix:
        """The weight of the learned part, float32 [n, 1]."""
        nearest = (unit(pooled) @ self.centres.T).max(axis=1, keepdims=True)
        share = self.low + (self.high - self.low) / (1 + np.exp(STEEPNESS * (OPENS_AT - nearest)))
        return np.asarray(share, np.float32)

    def embed(self, features: Matrix, pooled: Matrix) -> Matrix:
        """Unit embeddings, float32 [n, D]: what the graph computes."""
        rows = np.asarray((features - self.mean) @ self.matrix, np.float32)
        if not self.learned:
            return unit(rows)
        share = self.gate(pooled)
        parts = [np.sqrt(share) * unit(rows[:, : self.learned]), np.sqrt(1 - share) * unit(rows[:, self.learned :])]
        return np.concatenate(parts, axis=1, dtype=np.float32)


def orthogonal(features: int, dimensions: int) -> Projection:
    """A random rotation cut to so many dimensions (seed 0): it keeps cosines roughly, and improves none."""
    generator = np.random.default_rng(0)
    matrix, _ = np.linalg.qr(generator.standard_normal((max(features, dimensions), dimensions)))
    zeros = np.zeros(features, np.float32)
    return Projection(zeros, matrix[:features].astype(np.float32), np.zeros((0, features), np.float32))


def unit(rows: Matrix) -> Matrix:
    """Each row scaled to length 1."""
    scaled: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return scaled


def write_projection(projection: Projection, path: Path) -> None:
    """Write the map, its arrays as float16; the file appears whole or not at all. Raises OSError."""
    stored = {name: np.asarray(getattr(projection, name)) for name in _FIELDS}
    halved = {name: each.astype(np.float16) if each.ndim else each for name, each in stored.items()}
    halved |= {_NETWORK + name: each for name, each in projection.weights.items()}
    file = BytesIO()
    np.savez_compressed(file, **halved)  # type: ignore[arg-type]  # arrays by name
    replace_file(path, file.getbuffer())


def read_projection(path: Path) -> Projection:
    """Read what `write_projection` wrote.

    Raises OSError, ValueError, KeyError, BadZipFile, zlib.error or MemoryError where the file is something else.
    """
    with zipfile.ZipFile(path) as file:
        size = sum(each.file_size for each in file.infolist())
    if size > _BYTES_LIMIT:
        raise ValueError(f"its arrays have {size:,} bytes: {_BYTES_LIMIT:,} at most")
    with np.load(path, allow_pickle=False) as stored:
        mean, matrix, centres = (stored[name].astype(np.float32) for name in _FIELDS[:3])
        learned, low, high = int(stored["learned"]), float(stored["low"]), float(stored["high"])
        weights = {name[len(_NETWORK) :]: stored[name] for name in stored.files if name.startswith(_NETWORK)}
        return Projection(mean, matrix, unit(centres), learned, low, high, weights)
