"""What the lists of a batch are made from: the argument of every source and every signal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour
from features.profile import Profile
from features.recommendation import Source
from inference.behaviour.recent_steps import RecentSteps
from inference.catalog.catalog import Catalog
from inference.catalog.vector_space import SIMILAR_COUNT
from inference.exploration.newcomers import NO_NEWCOMERS, Newcomers
from inference.retrieval.cross import Cross
from inference.retrieval.limits import ALL
from inference.retrieval.merge import NO_ROWS
from inference.retrieval.tastes import Tastes
from inference.retrieval.trends import Trends
from inference.shop_rules.standing import StandingRules
from inference.trained.source import Judgement


@dataclass(frozen=True, slots=True)
class Query:
    """A batch of u users: their `profiles` [u], the keys of their ids `users` [u] and their `tastes`.

    `behaviours` by item key has what is known of the items in `co_engaged.recent_items`. A source that searches gives
    `reach` pictures for each search; with `is_exhaustive` these are the best of all that the user may be shown.
    `recent_steps` are those of all users; without them no list follows from sessions. `trained` has by source what
    trained models say of the users. `newcomers` may be explored. `cross` knows what has an item's look in other
    categories than its own. The sources `without` propose nothing, and are not in `trained` or `cross`. The lists
    have `length` slots; `within` bool [rows] says which items they may have, empty for all. `shop` are the rules of the
    shop that hold now, and `promoted` int64 [n] the rows that its promotions propose; without the source `promoted`
    only exclusions hold.
    """

    profiles: Sequence[Profile]
    users: Sequence[int]
    tastes: Tastes
    behaviours: Mapping[int, Behaviour]
    trends: Trends
    catalog: Catalog
    now_ms: int
    reach: int = SIMILAR_COUNT
    is_exhaustive: bool = False
    recent_steps: RecentSteps | None = None
    trained: Mapping[Source, Judgement] = field(default_factory=dict)
    newcomers: Newcomers = NO_NEWCOMERS
    cross: Cross | None = None
    without: frozenset[Source] = frozenset()
    length: int = 20
    within: NDArray[np.bool_] = field(default_factory=lambda: ALL)
    shop: StandingRules | None = None
    promoted: NDArray[np.int64] = field(default_factory=lambda: NO_ROWS)
