"""What looks like a user's interests; items that a user asked for, and what looks like them."""

import numpy as np

from inference.retrieval.merge import Proposals
from inference.retrieval.query import Query


def propose(query: Query) -> Proposals:
    """For each user the look-alikes of the medoids, after the items that the user asked for."""
    found = query.catalog.pictures.similar(query.tastes.medoids(), query.reach)
    for user, rows in query.tastes.wished.items():
        found[user] = np.concatenate([rows, found[user]])
    return Proposals(found)
