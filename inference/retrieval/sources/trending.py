"""What more and more users engage with."""

from inference.retrieval.merge import Proposals
from inference.retrieval.query import Query


def propose(query: Query) -> Proposals:
    """For all users the rows that rise fastest."""
    return Proposals((query.trends.rising,))
