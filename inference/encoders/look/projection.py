"""The map from features to embeddings as a value, and the file that it is kept in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Matrix: TypeAlias = NDArray[np.float32]

#: The gate opens around this cosine to the nearest of the known kinds, and so fast.
OPENS_AT: Final = 0.53
STEEPNESS: Final = 40.0
_FIELDS: Final = ("mean", "matrix", "centres", "learned", "low", "high")


@dataclass(frozen=True, slots=True)
class Projection:
    """Joined features [n, F] → two parts of (features - mean) @ matrix, each of unit length, joined by their weights.

    The first `learned` columns tell known kinds apart, the others keep what the network says of any picture. The
    weight of the learned part, as a share of the squared length, goes from `low` to `high` as the pooled features
    [n, P] come near one of `centres` [K, P], of unit length: the gate. Without learned columns there is no gate.
    """

    mean: Matrix
    matrix: Matrix
    centres: Matrix
    learned: int = 0
    low: float = 0.0
    high: float = 0.0

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


def unit(rows: Matrix) -> Matrix:
    """Each row scaled to length 1."""
    scaled: Matrix = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return scaled


def write_projection(projection: Projection, path: Path) -> None:
    """Write the map, its arrays as float16."""
    stored = {name: np.asarray(getattr(projection, name)) for name in _FIELDS}
    halved = {name: each.astype(np.float16) if each.ndim else each for name, each in stored.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **halved)  # type: ignore[arg-type]  # arrays by name


def read_projection(path: Path) -> Projection:
    """Read what `write_projection` wrote; raises OSError, ValueError or KeyError where the file is something else."""
    with np.load(path, allow_pickle=False) as stored:
        mean, matrix, centres = (stored[name].astype(np.float32) for name in _FIELDS[:3])
        return Projection(
            mean, matrix, unit(centres), int(stored["learned"]), float(stored["low"]), float(stored["high"])
        )
