"""The vectors that a sequence model gives to the items of a catalogue and to users."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.profile import Profile, chosen
from inference.catalog.arrays import room, roomier
from inference.catalog.catalog import Catalog
from inference.sequence.model import SequenceModel
from inference.sequence.user_tower import LENGTH
from inference.trained.item_vectors import BestRows, ItemVectors
from inference.trained.source import AT_ONCE, PROPOSED_COUNT

#: Items that are not known by id but have vectors, at most: a list compares its user with every vector.
UNSEEN_LIMIT = 20_000
#: The greatest number of float16.
_GREATEST = np.float32(np.finfo(np.float16).max)


@dataclass(frozen=True, slots=True)
class Expected:
    """What u users are likely to choose next, by inner products with `wishes` float32 [u, d]. See `Judgement`.

    `latest` int64 [u] is the row of the user's last item that has a vector; -1 for a user without one, of whom nothing
    is expected.
    """

    wishes: NDArray[np.float32]
    latest: NDArray[np.int64]
    best: BestRows
    vectors: ItemVectors

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Which users chose an item that has a vector."""
        return self.latest >= 0

    def strengths(self, rows: NDArray[np.int64], bounds: NDArray[np.int64]) -> NDArray[np.float32]:
        """How likely rows [m] are next, against the likeliest one of the user.

        The net learns inner products as logarithms of probabilities.
        """
        counts, starts = np.diff(bounds), self.best.bounds[:-1]
        has_best = np.diff(self.best.bounds) > 0
        tops = np.full(len(counts), np.inf, np.float32)
        tops[has_best] = self.best.scores[starts[has_best]]
        scores = self.vectors.scores(self.wishes, rows, bounds)
        found: NDArray[np.float32] = np.exp(np.minimum(scores - np.repeat(tops, counts), np.float32(0)))
        return found

    def origins(self, users: NDArray[np.int64], _rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of what the users chose last."""
        return self.latest.take(users)


class SequenceSpace:
    """The vectors of the items of a catalogue by one model (see `Space`).

    An item has a vector if it is known by its id, or, of the first UNSEEN_LIMIT others, by its category or its picture.
    It is made when the item comes, and again when its category or its picture changes.
    """

    def __init__(self, catalog: Catalog, model: SequenceModel) -> None:
        self._catalog = catalog
        self.model = model
        self._vectors = ItemVectors(catalog, model.dimensions)
        self._numbers = {name: number for number, name in enumerate(model.category_names, 1)}
        #: By row whether it has a vector without being known by its id.
        self._unseen = room(np.bool_)

    def judge(self, profiles: Sequence[Profile], _rows: NDArray[np.int64], _weights: NDArray[np.float32]) -> Expected:
        """What the users of these profiles are likely to choose next, of what they have not seen."""
        self.align()
        histories = [self._history(profile) for profile in profiles]
        known = [user for user, rows in enumerate(histories) if len(rows)]
        wishes = np.zeros((len(profiles), self.model.dimensions), np.float32)
        if known:
            wishes[known] = self.model.tower.read([self._vectors[histories[user]] for user in known])
        found = self._vectors.best(wishes, [profile.seen for profile in profiles], PROPOSED_COUNT)
        latest = np.array([rows[-1] if len(rows) else -1 for rows in histories], np.int64)
        return Expected(wishes, latest, found, self._vectors)

    def align(self) -> bool:
        """Make the vectors of items that came to the catalogue, or changed. See `Space`."""
        rows = self._vectors.unknown(AT_ONCE)
        if len(rows):
            self._unseen = roomier(self._unseen, int(rows.max()) + 1)
            self._make(rows)
        return len(rows) < AT_ONCE

    def _history(self, profile: Profile) -> NDArray[np.int64]:
        """The rows of what a user chose, the latest last, as far as they have vectors."""
        rows = self._catalog.rows_of(chosen(profile)["item"][-LENGTH:])
        return rows[self._vectors.has(rows)]

    def _make(self, rows: NDArray[np.int64]) -> None:
        """Make the vectors of rows [n]."""
        codes = self._catalog.categories[rows]
        ids, categories = self._ids(self._catalog.keys[rows]), self._category_places(codes)
        is_pictured = self._can_read_pictures() & self._catalog.pictures.has(rows)
        vectors = self.model.ids[ids] + self.model.categories[categories]
        if is_pictured.any():
            vectors[is_pictured] += self._catalog.pictures.vectors(rows[is_pictured]) @ self.model.pictures
        is_unseen = (ids == 0) & ((categories > 0) | is_pictured)
        self._unseen[rows] = False
        is_unseen &= np.cumsum(is_unseen) <= UNSEEN_LIMIT - np.count_nonzero(self._unseen)
        self._unseen[rows] = is_unseen
        # What a file may hold adds up to more than float16 does.
        self._vectors.put(rows, vectors.clip(-_GREATEST, _GREATEST), (ids > 0) | is_unseen)

    def _ids(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The place of each key among the vectors of ids; 0 for an unknown one."""
        places = np.searchsorted(self.model.keys, keys)
        is_known = np.append(self.model.keys, np.uint64(0))[places] == keys
        return np.where(is_known & (places < len(self.model.keys)), places + 1, 0)

    def _category_places(self, codes: NDArray[np.int32]) -> NDArray[np.int64]:
        """The place of each code of the catalogue among the vectors of categories; 0 for an unknown one."""
        numbers = [self._numbers.get(name, 0) for name in self._catalog.category_names]
        return np.array([*numbers, 0], np.int64)[codes]

    def _can_read_pictures(self) -> bool:
        pictures = self._catalog.pictures
        return pictures.encoder == self.model.encoder and pictures.dimensions == len(self.model.pictures)
