"""What a user may be shown, found by a look at every item: for the few lists that no search fills."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inference.catalog.copies import first_distinct
from inference.retrieval.filters import NOT_EXCLUDED, apply_filters, merged_alone
from inference.retrieval.preferences import wishes_of
from inference.retrieval.query import Query


class Allowed(NamedTuple):
    """Rows that a user may be shown, no two with the same picture: `nearest` to an interest, and the `newest`."""

    nearest: NDArray[np.int64]
    newest: NDArray[np.int64]


def best_allowed(query: Query, user: int) -> Allowed:
    """The best of all rows that pass the filters for a user of the query, `reach` of each kind.

    Rows with a picture are judged by their looks, where the user's list follows interests; all others by their age.
    """
    rows = _allowed(query, user)
    catalog, interests = query.catalog, query.tastes.interests
    columns, centres = (catalog.pictures.halves, catalog.hashes), interests.centres[user, interests.shares[user] > 0]
    by_looks = catalog.pictures.has(rows) & follows_interests(query, user)
    looked_at, others = rows[by_looks], rows[~by_looks]
    return Allowed(
        first_distinct(looked_at, catalog.pictures.similarities(looked_at, centres), *columns, query.reach),
        first_distinct(others, catalog.uploaded_ms[others], *columns, query.reach),
    )


def follows_interests(query: Query, user: int) -> bool:
    """Whether the catalogue has pictures that the user engaged with, and the list may have what looks like them."""
    return "visual" not in query.without and bool(query.tastes.interests.shares[user].any())


def _allowed(query: Query, user: int) -> NDArray[np.int64]:
    """The rows that the user may be shown, one of each picture."""
    rows = np.flatnonzero(query.catalog.shown)
    merged = merged_alone(query, user, rows)
    wishes = wishes_of(query.profiles, merged.users, rows, query.catalog)
    excluded_by = NOT_EXCLUDED if query.shop is None else query.shop.marks(rows, query.catalog).excluded_by
    kept, _, _ = apply_filters(query, merged, wishes.weights, excluded_by)
    return query.catalog.pictures.one_of_each(rows[kept])
