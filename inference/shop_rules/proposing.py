"""Which rows of the catalogue promotions propose: all that a rule names, or of many the ones that users like best."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.retrieval.trends import Trends
from inference.shop_rules.standing import StandingRules

#: Rows that one promotion proposes: as many of the most popular of them, and of the newest.
PROPOSED_LIMIT: Final = 32


def find_promoted(standing: StandingRules, catalog: Catalog, trends: Trends) -> NDArray[np.int64]:
    """The rows that the promotions propose to all users, int64 [n]; it looks at every row.

    A row that other sources propose to a user can have the slots of a promotion that names it, whether it is one of
    these or not.
    """
    if not standing.promotions:
        return np.zeros(0, np.int64)
    shown = np.flatnonzero(catalog.shown)
    named = standing.mark(shown, catalog).promotions
    found = [
        _best(shown[named >> np.uint64(number) & np.uint64(1) > 0], catalog, trends.popular)
        for number in range(len(standing.promotions))
    ]
    return np.unique(np.concatenate(found))


def _best(rows: NDArray[np.int64], catalog: Catalog, popular: NDArray[np.float32]) -> NDArray[np.int64]:
    if len(rows) <= 2 * PROPOSED_LIMIT:
        return rows
    liked = rows[np.argpartition(-popular[rows], PROPOSED_LIMIT)[:PROPOSED_LIMIT]]
    newest = rows[np.argpartition(-catalog.uploaded_ms[rows], PROPOSED_LIMIT)[:PROPOSED_LIMIT]]
    return np.concatenate((liked, newest))
