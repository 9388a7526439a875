"""What a trained model proposes, where one is set: `factors` and `sequence` (`inference/retrieval/trained.py`)."""

from itertools import pairwise

from features.recommendation import Source
from inference.retrieval.merge import NO_ROWS, Proposals
from inference.retrieval.query import Query

_NOTHING = Proposals((NO_ROWS,))


def propose(source: Source, query: Query) -> Proposals:
    """For each user the rows for which the model of a source speaks most, of those not seen lately."""
    judgement = query.trained.get(source)
    if judgement is None:
        return _NOTHING
    rows, _, bounds = judgement.best
    return Proposals([rows[start:end] for start, end in pairwise(bounds.tolist())])
