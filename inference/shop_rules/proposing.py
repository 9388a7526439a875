"""Which rows of the catalogue promotions propose: some of those that a rule names, and after a while others."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.retrieval.trends import Trends
from inference.shop_rules.standing import StandingRules

#: Rows that one promotion proposes at a time: as many, or twice its slots where these are more. Each costs every list.
PROPOSED_LEAST: Final = 4
#: They are of the most popular ones that it names, and of the newest, as many of each.
_POOL: Final = 32


def find_promoted(standing: StandingRules, catalog: Catalog, trends: Trends, turn: int) -> NDArray[np.int64]:
    """The rows that the promotions propose to all users, int64 [n]; it looks at every row.

    With the next `turn` come others, for users who saw these. A row that other sources propose to a user can have the
    slots of a promotion that names it, whether it is one of these or not.
    """
    promotions = standing.promotions
    if not len(promotions.numbers):
        return np.zeros(0, np.int64)
    shown = np.flatnonzero(catalog.shown)
    named = standing.marks(shown, catalog).promotions.take(shown)
    pools = (
        _best(shown[named >> np.uint64(number) & np.uint64(1) > 0], catalog, trends.popular)
        for number in range(len(promotions.numbers))
    )
    counts = np.maximum(PROPOSED_LEAST, 2 * promotions.mosts).tolist()
    parts = [np.roll(pool, -count * turn)[:count] for pool, count in zip(pools, counts, strict=True)]
    return np.unique(np.concatenate(parts))


def _best(rows: NDArray[np.int64], catalog: Catalog, popular: NDArray[np.float32]) -> NDArray[np.int64]:
    """Of many rows the most popular and the newest, each once."""
    if len(rows) <= 2 * _POOL:
        return rows
    liked = rows[np.argpartition(-popular[rows], _POOL)[:_POOL]]
    newest = rows[np.argpartition(-catalog.uploaded_ms[rows], _POOL)[:_POOL]]
    return np.union1d(liked, newest)
