"""What users' profiles mean against today's catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.interests import Interests, find_interests
from features.ledger import all_entries, faded
from features.profile import ENGAGED_HALF_LIFE_MS, Profile
from inference.catalog import Catalog

RECENT_DECAY = 0.8
_TINY = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class Tastes:
    """Of u users, with room for the n items of who engaged with most.

    `rows` int64 [u, n] are the engaged items that the catalogue has, the latest last, -1 for none; `vectors` float32
    [u, n, d] and `weights` float32 [u, n] (sum 1, or 0 without items); `categories` float32 [u, c] the weight by
    category code, `colours` float32 [u, 17] that of COLOUR_NAMES; `refused` the rows [r] that each refused.
    """

    rows: NDArray[np.int64]
    vectors: NDArray[np.float32]
    weights: NDArray[np.float32]
    interests: Interests
    categories: NDArray[np.float32]
    colours: NDArray[np.float32]
    refused: Sequence[NDArray[np.int64]]

    def hearts(self) -> list[NDArray[np.int64]]:
        """The rows of the medoids of each user's interests."""
        hearts = self.interests.hearts
        return [rows[places[places >= 0]] for rows, places in zip(self.rows, hearts, strict=True)]


def find_tastes(profiles: Sequence[Profile], catalog: Catalog, now_ms: int) -> Tastes:
    """Look the profiles' items up in the catalogue and group them into interests; what it lacks is passed over."""
    engaged = all_entries(profile.engaged for profile in profiles)
    user = np.repeat(np.arange(len(profiles)), [len(profile.engaged) for profile in profiles])
    found = catalog.rows_of(engaged["item"])
    known = found >= 0
    lengths = np.bincount(user[known], minlength=len(profiles))
    most = int(lengths.max(initial=0))
    # The latest of each user stands at the end of the line.
    filled = np.arange(most) >= most - lengths[:, None]
    rows = np.full((len(profiles), most), -1, np.int64)
    weights = np.zeros((len(profiles), most), np.float32)
    rows[filled] = found[known]
    weights[filled] = faded(engaged[known], now_ms, ENGAGED_HALF_LIFE_MS)
    # What was chosen last says most about what is wanted next.
    weights *= 1.0 + 2.0 * np.float32(RECENT_DECAY) ** np.arange(most - 1, -1, -1, dtype=np.float32)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), _TINY)
    vectors = catalog.vectors(rows)
    return Tastes(
        rows,
        vectors,
        weights,
        find_interests(vectors, weights),
        _by_category(rows, weights, catalog),
        np.matmul(weights[:, None], catalog.colours[rows])[:, 0],
        [_known(catalog.rows_of(profile.refused["item"])) for profile in profiles],
    )


def _by_category(rows: NDArray[np.int64], weights: NDArray[np.float32], catalog: Catalog) -> NDArray[np.float32]:
    users, count = len(rows), len(catalog.category_names)
    codes = catalog.categories[rows]
    used = (codes >= 0) & (rows >= 0)
    places = codes + count * np.arange(users)[:, None]
    sums = np.bincount(places[used], weights[used], users * count)
    return sums.astype(np.float32).reshape(users, count)


def _known(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[rows >= 0]
