"""The vectors that a sequence model gives to the items of a catalogue and to users."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.profile import Profile, chosen
from inference.behaviour.item_vectors import Best, ItemVectors
from inference.catalog.arrays import room, roomier
from inference.catalog.catalog import Catalog
from inference.sequence.model import SequenceModel
from inference.sequence.user_tower import LENGTH

#: Rows that are proposed to a user.
PROPOSED_COUNT = 100
#: Items that are not known by id but have vectors, at most: a list compares its user with every vector.
UNSEEN_LIMIT = 20_000
#: Rows whose vectors are made at a time.
_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Expected:
    """What u users are likely to choose next: the `best` rows of each, by inner products with `wishes` float32 [u, d].

    `latest` int64 [u] is the row of the user's last item that has a vector; -1 for a user without one, of whom nothing
    is expected.
    """

    wishes: NDArray[np.float32]
    latest: NDArray[np.int64]
    best: Best
    vectors: ItemVectors

    def strengths(self, rows: NDArray[np.int64], bounds: NDArray[np.int64]) -> NDArray[np.float32]:
        """How likely rows [m] are next, against the likeliest one of the user, float32 [m]; 0 without a vector.

        Those of user i are at `bounds[i]` to `bounds[i + 1]`. The net learns inner products as logarithms of
        probabilities.
        """
        counts, starts = np.diff(bounds), self.best.bounds[:-1]
        is_known = np.diff(self.best.bounds) > 0
        tops = np.full(len(counts), np.inf, np.float32)
        tops[is_known] = self.best.scores[starts[is_known]]
        scores = self.vectors.scores(self.wishes, rows, bounds)
        found: NDArray[np.float32] = np.exp(np.minimum(scores - np.repeat(tops, counts), np.float32(0)))
        return found


class SequenceSpace:
    """The vectors of the items of a catalogue by one model. Not thread-safe.

    An item has a vector if it is known by its id, or, of the first UNSEEN_LIMIT others, by its category or its picture.
    It is made when the item comes, and once more when the item gets its first picture.
    """

    def __init__(self, catalog: Catalog, model: SequenceModel) -> None:
        self._catalog = catalog
        self._model = model
        self._vectors = ItemVectors(catalog, model.dimensions)
        self._numbers = {name: number for number, name in enumerate(model.category_names, 1)}
        #: By row whether the vector has a picture in it, and whether no id; `Catalog.changes` of the last look.
        self._pictured, self._unseen = room(np.bool_), room(np.bool_)
        self._changes = -1

    def expect(self, profiles: Sequence[Profile]) -> Expected:
        """What the users of these profiles are likely to choose next, of what they have not seen."""
        self._align()
        histories = [self._history(profile) for profile in profiles]
        known = [user for user, rows in enumerate(histories) if len(rows)]
        wishes = np.zeros((len(profiles), self._model.dimensions), np.float32)
        if known:
            wishes[known] = self._model.tower.read([self._vectors[histories[user]] for user in known])
        # Nothing is expected of a user without a history: the search would rank all rows equal.
        seen = [profile.seen for profile in profiles]
        found = self._vectors.best(wishes[known], [seen[user] for user in known], PROPOSED_COUNT) if known else None
        latest = np.array([rows[-1] if len(rows) else -1 for rows in histories], np.int64)
        return Expected(wishes, latest, _spread(found, known, len(profiles)), self._vectors)

    def _history(self, profile: Profile) -> NDArray[np.int64]:
        """The rows of what a user chose, the latest last, as far as they have vectors."""
        rows = self._catalog.rows_of(chosen(profile)["item"][-LENGTH:])
        return rows[self._vectors.has(rows)]

    def _align(self) -> None:
        """Make the vectors of items that came to the catalogue, and of those that got a picture."""
        if self._changes == self._catalog.changes:
            return
        count = len(self._catalog.item_ids)
        self._pictured, self._unseen = roomier(self._pictured, count), roomier(self._unseen, count)
        while len(rows := self._vectors.unknown(_AT_ONCE)):
            self._make(rows)
        self._make(np.flatnonzero(self._has_picture(np.arange(count)) & ~self._pictured[:count]))
        self._changes = self._catalog.changes

    def _make(self, rows: NDArray[np.int64]) -> None:
        ids, categories = self._ids(self._catalog.keys[rows]), self._categories(self._catalog.categories[rows])
        is_pictured = self._pictured[rows] = self._has_picture(rows)
        vectors = self._model.ids[ids] + self._model.categories[categories]
        if is_pictured.any():
            vectors[is_pictured] += self._catalog.pictures.vectors(rows[is_pictured]) @ self._model.pictures
        is_unseen = (ids == 0) & ((categories > 0) | is_pictured)
        self._unseen[rows] = False
        is_unseen &= np.cumsum(is_unseen) <= UNSEEN_LIMIT - np.count_nonzero(self._unseen)
        self._unseen[rows] = is_unseen
        self._vectors.put(rows, vectors, (ids > 0) | is_unseen)

    def _ids(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The place of each key among the vectors of ids; 0 for an unknown one."""
        places = np.searchsorted(self._model.keys, keys)
        is_known = np.append(self._model.keys, np.uint64(0))[places] == keys
        return np.where(is_known & (places < len(self._model.keys)), places + 1, 0)

    def _categories(self, codes: NDArray[np.int32]) -> NDArray[np.int64]:
        """The place of each code of the catalogue among the vectors of categories; 0 for an unknown one."""
        numbers = [self._numbers.get(name, 0) for name in self._catalog.category_names]
        return np.array([*numbers, 0], np.int64)[codes]

    def _has_picture(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which rows have a picture that the model knows how to read."""
        pictures = self._catalog.pictures
        if pictures.encoder != self._model.encoder or pictures.dimensions != len(self._model.pictures):
            return np.zeros(len(rows), np.bool_)
        return pictures.has(rows)


def _spread(found: Best | None, users: list[int], count: int) -> Best:
    """What was found for some `users`, as that of `count` users, of whom the others have nothing."""
    if found is None:
        return Best(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(count + 1, np.int64))
    counts = np.zeros(count, np.int64)
    counts[users] = np.diff(found.bounds)
    return Best(found.rows, found.scores, np.append(0, counts.cumsum()))
