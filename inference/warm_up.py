"""What is compiled at first use is used once before the first event, for no user would like to wait for a compiler.

Seconds where nothing was compiled yet, else a moment.
"""

import numpy as np

from features.behaviour import UNKNOWN, Behaviour, apply_engagement, engagements
from features.item import Item, key_of
from features.profile import Action, Profile, profile_after
from features.trends import NO_TRENDS
from inference.catalog.catalog import Catalog
from inference.ranking.ranking import rank
from inference.retrieval.candidates import find_trends, generate_candidates
from inference.retrieval.tastes import find_tastes

_USER = key_of("nobody")
_THAT, _THIS = (Action(event, key_of(name), 1.0, 0) for event, name in enumerate(("that", "this")))


def warm_up_items() -> tuple[Catalog, Profile, Behaviour]:
    """A catalogue of two items, of which nobody clicked one and then the other: all that it takes to know of items."""
    catalog = Catalog(2)
    embedding = np.array([1, 0], "<f2").tobytes()
    catalog.apply([(name, Item(name, 0, embeddings={"none": embedding})) for name in ("this", "that")])
    clicked = profile_after([_THAT])
    _, followed = engagements(clicked, _THIS, 0, 0)
    return catalog, clicked, apply_engagement(UNKNOWN, followed)


def warm_up_lists() -> None:
    """The list that nobody would get after the first click."""
    catalog, profile, followed = warm_up_items()
    trends = find_trends(NO_TRENDS, catalog, 0)
    tastes = find_tastes([profile], catalog, 0)
    candidates = generate_candidates(tastes, [profile], [_USER], catalog, {_THAT.item: followed}, trends, 0)
    rank(candidates, tastes, catalog, trends, length=1, now_ms=0)
