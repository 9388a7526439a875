"""What the shop promotes: candidates for the slots of its promotions, and for no other slot."""

from inference.retrieval.merge import Proposals
from inference.retrieval.query import Query


def propose(query: Query) -> Proposals:
    """For all users the rows that promotions propose."""
    return Proposals((query.promoted,))
