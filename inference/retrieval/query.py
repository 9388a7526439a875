"""What the lists of a batch are made from: the argument of every source and every signal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from features.behaviour import Behaviour
from features.profile import Profile
from inference.catalog.catalog import Catalog
from inference.retrieval.tastes import Tastes
from inference.retrieval.trends import Trends


@dataclass(frozen=True, slots=True)
class Query:
    """A batch of u users: their `profiles` [u], the keys of their ids `users` [u] and their `tastes`.

    `behaviours` by item key has what is known of the items in `co_engaged.recent_items`.
    """

    profiles: Sequence[Profile]
    users: Sequence[int]
    tastes: Tastes
    behaviours: Mapping[int, Behaviour]
    trends: Trends
    catalog: Catalog
    now_ms: int
