"""What was uploaded last."""

from inference.catalog.vector_space import SIMILAR_COUNT
from inference.retrieval.merge import Proposals
from inference.retrieval.query import Query

FRESH_COUNT = 32


def propose(query: Query) -> Proposals:
    """For all users the latest uploads; more of them where a search reaches further."""
    return Proposals((query.catalog.freshest(FRESH_COUNT * query.reach // SIMILAR_COUNT),))
