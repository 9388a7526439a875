"""A map from the look of a picture to the words that are said of it, learned from a catalogue's own titles.

Ridge regression (Hoerl & Kennard 1970) in closed form: W = (X'X + λI)⁻¹ X'Y, for looks X and the vectors of titles Y,
each less its mean. What it reads in a picture is joined with the names of what the network sees in it (ConSE).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

#: Items with a title and a picture from which on a map is learned (docs/words.md).
LEAST_ITEMS: Final = 100
#: Of the spread of titles, a map of one half of the items explains at least this share in the other: else titles have
#: nothing to do with looks.
LEAST_EXPLAINED: Final = 0.05
#: Of what the map reads in a picture, beside what is seen in it.
SHARE: Final = 0.5
#: λ, for looks of unit length.
_RIDGE: Final = 1.0
_TINY: Final = np.float32(1e-12)
#: The mean square of a component of titles that are all the same, each less their mean.
_ROUNDINGS: Final = 1e-9


@dataclass(frozen=True, slots=True)
class TitleMap:
    """`weights` float32 [d, m] and `offset` float32 [m]: looks [n, d] @ weights + offset are near their titles.

    It was learned of so many `items`. It is of the encoder and the tower whose vectors it was fitted on.
    """

    weights: Matrix
    offset: Matrix
    items: int

    @classmethod
    def fit(cls, looks: Matrix, titles: Matrix) -> Self | None:
        """The map of unit looks [n, d] to the unit vectors of their titles [n, m]; None where it is worth nothing."""
        if len(looks) < LEAST_ITEMS:
            return None
        # Not every second one: items often come in turns.
        order = np.random.default_rng(0).permutation(len(looks))
        one, other = order[::2], order[1::2]
        left = titles[other] - cls._fit(looks[one], titles[one]).read(looks[other])
        spread = titles[other] - titles[one].mean(axis=0)
        missed, most = np.square(left).mean(), (1 - LEAST_EXPLAINED) * np.square(spread).mean()
        # Where all titles are the same, nothing but roundings is left to be explained. NaN is never less.
        if most < _ROUNDINGS or not missed < most:
            return None
        return cls._fit(looks, titles)

    @classmethod
    def _fit(cls, looks: Matrix, titles: Matrix) -> Self:
        look, title = looks.mean(axis=0, dtype=np.float64), titles.mean(axis=0, dtype=np.float64)
        centred = looks - look
        gram = centred.T @ centred + _RIDGE * np.eye(looks.shape[1])
        weights = np.linalg.solve(gram, centred.T @ (titles - title))
        return cls(weights.astype(np.float32), (title - look @ weights).astype(np.float32), len(looks))

    def read(self, looks: Matrix) -> Matrix:
        """What it reads in looks [n, d], float32 [n, m]: no unit vectors."""
        found: Matrix = looks @ self.weights + self.offset
        return found

    def shares(self, seen: Matrix, looks: Matrix) -> Matrix:
        """How much of unit vectors of what is `seen` [n, m], and of what is read in `looks`, joins to unit vectors.

        Float32 [n, 2]: the joined vectors are shares[:, :1] · seen + shares[:, 1:] · read.
        """
        read = self.read(looks)
        length = np.maximum(np.linalg.norm(read, axis=1), _TINY)
        both = (1 - SHARE) * seen + (SHARE / length)[:, None] * read
        total = np.maximum(np.linalg.norm(both, axis=1), _TINY)
        return np.stack([(1 - SHARE) / total, SHARE / length / total], axis=1).astype(np.float32)

    def joined(self, seen: Matrix, looks: Matrix) -> Matrix:
        """The unit vectors float32 [n, m] that stand for the words of pictures."""
        shares = self.shares(seen, looks)
        both: Matrix = shares[:, :1] * seen + shares[:, 1:] * self.read(looks)
        return both
