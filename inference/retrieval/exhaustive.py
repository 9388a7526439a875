"""What a user may be shown, found by a look at every item: for the few lists that no search fills."""

import numpy as np
from numpy.typing import NDArray

from inference.catalog.copies import first_distinct
from inference.retrieval.filters import REFUSED, apply_filters
from inference.retrieval.merge import NO_ROWS, Merged
from inference.retrieval.preferences import wishes_of
from inference.retrieval.query import Query


def nearest_allowed(query: Query, user: int) -> NDArray[np.int64]:
    """The `reach` best of all rows that pass the filters for a user of the query, no two with the same picture.

    What is most similar to an interest is best; for a user without interests the latest uploads are.
    """
    rows = _allowed(query, user)
    catalog, interests = query.catalog, query.tastes.interests
    centres = interests.centres[user, interests.shares[user] > 0]
    values = catalog.pictures.similarities(rows, centres) if len(centres) else catalog.uploaded_ms[rows]
    return first_distinct(rows, values, catalog.pictures.halves, query.reach)


def has_interests(query: Query, user: int) -> bool:
    """Whether the catalogue has items that the user engaged with."""
    return bool(query.tastes.interests.shares[user].any())


def _allowed(query: Query, user: int) -> NDArray[np.int64]:
    """One row of each picture that the user may be shown."""
    rows = np.flatnonzero(query.catalog.shown)
    users = np.full(len(rows), user)
    none = np.zeros(len(rows), np.int8)
    refused = np.where(np.isin(rows, query.tastes.refused[user]), np.int8(REFUSED), none)
    merged = Merged(users, rows, none, refused, np.zeros(0, np.float32), NO_ROWS, np.zeros(0, np.int32))
    kept, _, _ = apply_filters(query, merged, wishes_of(query.profiles, users, rows, query.catalog).weights)
    return query.catalog.pictures.one_of_each(rows[kept])
