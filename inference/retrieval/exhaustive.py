"""What a user may be shown, found by a look at every item: for the few lists that no search fills."""

import numpy as np
from numpy.typing import NDArray

from inference.catalog.copies import first_distinct
from inference.retrieval.filters import apply_filters, merged_alone
from inference.retrieval.preferences import wishes_of
from inference.retrieval.query import Query


def nearest_allowed(query: Query, user: int) -> NDArray[np.int64]:
    """The `reach` best of all rows that pass the filters for a user of the query, no two with the same picture.

    What is most similar to an interest is best; for a user whose list follows no interest the latest uploads are.
    """
    rows = _allowed(query, user)
    catalog, interests = query.catalog, query.tastes.interests
    if not follows_interests(query, user):
        return first_distinct(rows, catalog.uploaded_ms[rows], catalog.pictures.halves, query.reach)
    values = catalog.pictures.similarities(rows, interests.centres[user, interests.shares[user] > 0])
    return first_distinct(rows, values, catalog.pictures.halves, query.reach)


def follows_interests(query: Query, user: int) -> bool:
    """Whether the catalogue has items that the user engaged with, and the list may have what looks like them."""
    return "visual" not in query.without and bool(query.tastes.interests.shares[user].any())


def _allowed(query: Query, user: int) -> NDArray[np.int64]:
    """One row of each picture that the user may be shown."""
    rows = np.flatnonzero(query.catalog.shown)
    merged = merged_alone(query, user, rows)
    kept, _, _ = apply_filters(query, merged, wishes_of(query.profiles, merged.users, rows, query.catalog).weights)
    return query.catalog.pictures.one_of_each(rows[kept])
