"""What most users engage with."""

from inference.retrieval.merge import Proposals
from inference.retrieval.query import Query


def propose(query: Query) -> Proposals:
    """For all users the most popular rows."""
    return Proposals((query.trends.loved,))
