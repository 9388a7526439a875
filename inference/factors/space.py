"""Users among the latent factors of items: a user's factor follows from what the user chose, when a list is made.

One step of the least squares by which the items' factors were made (Hu, Koren & Volinsky 2008, "Collaborative Filtering
for Implicit Feedback Datasets"): with the factors Y of all items, those of the user's items y, and for these
confidences 1 + w, the user's factor is x = (Y'Y + λI + Σ w y y')⁻¹ Σ (1 + w) y. By the push-through identity this is
x = Σ s G y, where G = (Y'Y + λI)⁻¹ is known beforehand, and s solves (diag(1 / w) + y'Gy) s = 1 + 1 / w: a system as
large as the number of the user's items, not of the dimensions. The part of each item in x says how much the item speaks
for another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled, dot
from features.profile import Profile
from inference.catalog.arrays import best_of, room, roomier
from inference.catalog.catalog import Catalog
from inference.factors.file import Factors
from inference.factors.item_map import Facts
from inference.trained.item_vectors import BestRows, ItemVectors
from inference.trained.source import AT_ONCE, PROPOSED_COUNT

#: w of the item that says most of the user; those of others are in proportion to their weights.
CONFIDENCE = 5.0
#: Items whose factors are mapped, at most, the newest: a list compares its user with each of them, too.
MAPPED_LIMIT = 100_000
#: The share of these that gives way at a time, the oldest.
_GIVES_WAY = 1 / 16
#: Weights below this share of the greatest count as much: 1 / w stays finite.
_FAINTEST = np.float32(1e-3)


@dataclass(frozen=True, slots=True)
class FoldedIn:
    """The factors of u users: float32 [u, d]; all 0 for a user of whom no item has a factor. See `Judgement`.

    They are the sums of `parts` float32 [u, n, d], one of each item in `rows` [u, n] (-1: none).
    """

    factors: NDArray[np.float32]
    parts: NDArray[np.float32]
    rows: NDArray[np.int64]
    best: BestRows
    vectors: ItemVectors

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Which users have a factor."""
        found: NDArray[np.bool_] = (self.factors != 0).any(axis=1)
        return found

    def strengths(self, rows: NDArray[np.int64], bounds: NDArray[np.int64]) -> NDArray[np.float32]:
        """How well rows [m] suit their users: the inner product, cut to 0 to 1."""
        return np.clip(self.vectors.scores(self.factors, rows, bounds), np.float32(0), np.float32(1))

    def origins(self, users: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of the users' items that speak most for rows [m]."""
        return _origins(users, self.vectors[rows], self.vectors.has(rows), self.parts, self.rows)


class FactorSpace:
    """The factors of the items of a catalogue (see `Space`)."""

    def __init__(self, catalog: Catalog, factors: Factors) -> None:
        self._catalog = catalog
        self.model = factors
        self._vectors = ItemVectors(catalog, len(factors.inverse))
        #: By row whether its factor may be mapped.
        self._mapped = room(np.bool_)

    def judge(self, profiles: Sequence[Profile], rows: NDArray[np.int64], weights: NDArray[np.float32]) -> FoldedIn:
        """The factors of users by their items. What does not suit a user at all is not among the best."""
        self.align()
        has = self._vectors.has(rows.ravel()).reshape(rows.shape)
        parts = fold_in(self._vectors[rows], weights, has, self.model.inverse)
        factors = parts.sum(axis=1)
        found = self._vectors.best(factors, [profile.seen for profile in profiles], PROPOSED_COUNT)
        return FoldedIn(factors, parts, rows, found.positive(), self._vectors)

    def align(self) -> bool:
        """Look up or map the factors of items that came to the catalogue, or changed. See `Space`."""
        rows = self._vectors.unknown(AT_ONCE)
        if len(rows):
            keys = self._catalog.keys[rows]
            self._mapped = roomier(self._mapped, int(rows.max()) + 1)
            self._mapped[rows] = (self.model.item_map is not None) & ~self.model.knows(keys)
            self._leave_out_oldest()
            facts = Facts.of_rows(self._catalog, rows, self._mapped[rows])
            self._vectors.put(rows, *self.model.read(keys, facts))
        return len(rows) < AT_ONCE

    def _leave_out_oldest(self) -> None:
        """Where more factors than the limit would be mapped, take those of the oldest items away."""
        rows = np.flatnonzero(self._mapped)
        if len(rows) <= MAPPED_LIMIT:
            return
        self._mapped[rows] = False
        kept = MAPPED_LIMIT - int(_GIVES_WAY * MAPPED_LIMIT)
        self._mapped[rows[best_of(self._catalog.uploaded_ms[rows], kept)]] = True
        # Another item may have come to such a row, and not be read yet.
        self._vectors.drop(rows[~self._mapped[rows]])


@compiled
def fold_in(
    vectors: NDArray[np.float32],
    weights: NDArray[np.float32],
    has: NDArray[np.bool_],
    inverse: NDArray[np.float32],
) -> NDArray[np.float32]:
    """The `parts` [u, n, d] of FoldedIn, from `vectors` [u, n, d] of the items that have one."""
    parts = np.zeros(vectors.shape, np.float32)
    most, dimensions = has.shape[1], len(inverse)
    places, wanted = np.empty(most, np.int64), np.empty(most, np.float32)
    solved = np.empty((most, dimensions), np.float32)
    system = np.empty((most, most), np.float32)
    for user in range(len(has)):
        own, count = vectors[user], 0
        for place in range(most):
            if has[user, place]:
                places[count] = place
                count += 1
        greatest = weights[user].max() if count else np.float32(0)
        for one in range(count):
            share = max(weights[user, places[one]] / greatest, _FAINTEST) if greatest > 0 else np.float32(1)
            doubt = np.float32(1) / (np.float32(CONFIDENCE) * share)
            solved[one] = 0
            for dimension in range(dimensions):
                value = own[places[one], dimension]
                for each in range(dimensions):
                    solved[one, each] += value * inverse[dimension, each]
            for other in range(one + 1):
                system[one, other] = dot(solved[one], own[places[other]])
            system[one, one] += doubt
            wanted[one] = np.float32(1) + doubt
        _solve(system, wanted[:count])
        for one in range(count):
            parts[user, places[one]] = wanted[one] * solved[one]
    return parts


@compiled
def _solve(system: NDArray[np.float32], wanted: NDArray[np.float32]) -> None:
    """Put the solution in the place of `wanted` [n]: a positive definite system, by Cholesky's decomposition.

    Of `system` [≥ n, ≥ n] the lower triangle is read, and written to.
    """
    count = len(wanted)
    for row in range(count):
        for column in range(row + 1):
            rest = system[row, column]
            for place in range(column):
                rest -= system[row, place] * system[column, place]
            system[row, column] = np.sqrt(rest) if row == column else rest / system[column, column]
        for place in range(row):
            wanted[row] -= system[row, place] * wanted[place]
        wanted[row] /= system[row, row]
    for row in range(count - 1, -1, -1):
        for place in range(row + 1, count):
            wanted[row] -= system[place, row] * wanted[place]
        wanted[row] /= system[row, row]


@compiled
def _origins(
    users: NDArray[np.int64],
    vectors: NDArray[np.float32],
    has: NDArray[np.bool_],
    parts: NDArray[np.float32],
    own: NDArray[np.int64],
) -> NDArray[np.int64]:
    origins = np.full(len(users), -1, np.int64)
    for number in range(len(users)):
        most = np.float32(0)
        for place in range(own.shape[1] if has[number] else 0):
            speaks = dot(vectors[number], parts[users[number], place])
            if speaks > most:
                most, origins[number] = speaks, own[users[number], place]
    return origins
