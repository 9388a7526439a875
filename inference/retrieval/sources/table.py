"""The sources of candidates by their names on the wire and in metrics.

A candidate that several sources propose is credited to the first of them.
"""

from collections.abc import Callable
from functools import partial

from features.recommendation import Source
from inference.retrieval.merge import Proposals
from inference.retrieval.query import Query
from inference.retrieval.sources import co_engaged, cross, fresh, popular, promoted, sessions, trained, trending, visual

SOURCES: dict[Source, Callable[[Query], Proposals]] = {
    "visual": visual.propose,
    "neighbours": co_engaged.propose,
    "sessions": sessions.propose,
    "factors": partial(trained.propose, "factors"),
    "sequence": partial(trained.propose, "sequence"),
    "cross": cross.propose,
    "trending": trending.propose,
    "fresh": fresh.propose,
    "popular": popular.propose,
    "promoted": promoted.propose,
}
SOURCE_NAMES = tuple(SOURCES)
#: What only this source proposes can have the slots of promotions alone.
PROMOTED = SOURCE_NAMES.index("promoted")
