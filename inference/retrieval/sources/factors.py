"""What suits a user by the latent factors of items, where a file of these is set (`inference/behaviour/factors.py`)."""

from itertools import pairwise

from inference.retrieval.merge import NO_ROWS, Proposals
from inference.retrieval.query import Query

PROPOSED_COUNT = 100
_NOTHING = Proposals((NO_ROWS,))


def propose(query: Query) -> Proposals:
    """For each user the rows that suit best, and were not seen lately."""
    if query.factors is None:
        return _NOTHING
    rows, scores, bounds = query.factors.best([profile.seen for profile in query.profiles], PROPOSED_COUNT)
    # What does not suit is no proposal, nor is anything to a user of whom nothing is known.
    return Proposals([rows[start:end][scores[start:end] > 0] for start, end in pairwise(bounds.tolist())])
