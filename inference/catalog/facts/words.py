"""The vectors of items' words, and of what stands for them, by row of the catalogue."""

import numpy as np
from numpy.typing import NDArray

from features.words.item_words import DIMENSIONS
from inference.catalog.arrays import VectorRows, room, roomier
from inference.catalog.vector_space import VectorSpace
from inference.words.pictures import SEEN_LENGTH
from inference.words.title_map import TitleMap


class WordRows:
    """`vectors` float32 [rows, DIMENSIONS] as `item_vector` gives them.

    While there is a `title_map`, pictures without words are compared by what it reads in them, too. That is not kept:
    a query is mapped to looks, and each row keeps the two shares by which both count. Not thread-safe.
    """

    def __init__(self) -> None:
        self.vectors = VectorRows(DIMENSIONS)
        self.title_map: TitleMap | None = None
        #: Which map the shares of a row are of, by its number; 0: of none.
        self._number = 0
        self._made_by = room(np.int32)
        self._shares = room(np.float32, 2)

    def put(self, row: int, words: bytes | None) -> None:
        """Write the vector of an item, or None, into its row."""
        self.vectors.replace(row, words or bytes(2 * DIMENSIONS))
        self._made_by, self._shares = roomier(self._made_by, row + 1), roomier(self._shares, row + 1)
        self._made_by[row] = 0

    def fill(self, vectors: VectorRows, count: int) -> None:
        """Take over the vectors of the first `count` rows."""
        self.vectors = vectors
        self._made_by, self._shares = roomier(self._made_by, count), roomier(self._shares, count)
        self._made_by[:] = 0

    def follow(self, title_map: TitleMap | None) -> None:
        """Read pictures by this map from now on; a row's shares are worked out when it is compared next."""
        self.title_map = title_map
        self._number += 1

    def similarities(
        self, rows: NDArray[np.int64], words: NDArray[np.float32], are_seen: NDArray[np.bool_], pictures: VectorSpace
    ) -> NDArray[np.float32]:
        """The inner products of rows [n] with a unit vector [DIMENSIONS], float32 [n].

        `are_seen` [n] are pictures without words; their looks are in `pictures`.
        """
        found = self.vectors.similarities(rows, words[None])
        if self.title_map is None:
            return found
        places = np.flatnonzero(are_seen & pictures.has(rows))
        seen = rows[places]
        self._bring_up_to_date(seen[self._made_by[seen] != self._number], self.title_map, pictures)
        shares = self._shares[seen]
        looks = pictures.similarities(seen, (self.title_map.weights @ words)[None]) + self.title_map.offset @ words
        found[places] = shares[:, 0] * found[places] + np.float32(SEEN_LENGTH) * shares[:, 1] * looks
        return found

    def _bring_up_to_date(self, rows: NDArray[np.int64], title_map: TitleMap, pictures: VectorSpace) -> None:
        seen = self.vectors[rows] / np.float32(SEEN_LENGTH)
        self._shares[rows] = title_map.shares(seen, pictures.vectors(rows))
        self._made_by[rows] = self._number
