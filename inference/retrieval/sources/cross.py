"""What has the look of a user's interests in other categories: liked shoes find bags."""

import numpy as np

from inference.retrieval.merge import ACROSS, NO_ROWS, Proposals
from inference.retrieval.query import Query

_NOTHING = Proposals((NO_ROWS,), kind=ACROSS)


def propose(query: Query) -> Proposals:
    """For each user what goes with the medoids of the interests, in the categories that are chosen with theirs."""
    others = query.cross
    if others is None or not others.companions:
        return _NOTHING
    medoids = [rows.tolist() for rows in query.tastes.medoids()]
    found = [[others.of(row) for row in rows] for rows in medoids]
    parts = [each for own in found for each in own]
    if not parts:
        return _NOTHING
    counts = [len(each.keys) for each in parts]
    rows = query.catalog.rows_of(np.concatenate([each.keys for each in parts]))
    ends = np.cumsum([sum(len(each.keys) for each in own) for own in found])
    return Proposals(
        np.split(rows, ends[:-1]),
        np.concatenate([each.strengths for each in parts]),
        np.repeat([row for own in medoids for row in own], counts),
        ACROSS,
    )
