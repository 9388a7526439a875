"""What users are likely to choose next, where a sequence model is set (`inference/sequence/`)."""

from itertools import pairwise

from inference.retrieval.merge import NO_ROWS, Proposals
from inference.retrieval.query import Query

_NOTHING = Proposals((NO_ROWS,))


def propose(query: Query) -> Proposals:
    """For each user the rows that are likeliest, of those not seen lately."""
    if query.expected is None:
        return _NOTHING
    rows, _, bounds = query.expected.best
    return Proposals([rows[start:end] for start, end in pairwise(bounds.tolist())])
