"""What is compiled at first use is used once before the first event, for no user would like to wait for a compiler."""

import numpy as np

from features.behaviour import UNKNOWN, apply_engagement, engagements
from features.item import Item, key_of
from features.profile import NEW, Action, apply_interaction
from features.trends import NO_TRENDS
from inference.candidates import find_trends, generate_candidates
from inference.catalog import Catalog
from inference.ranking import rank
from inference.tastes import find_tastes

_USER = key_of("nobody")


def warm_up() -> None:
    """Make a list for nobody from two items: seconds where nothing was compiled yet, else a moment."""
    catalog = Catalog(2)
    embedding = np.array([1, 0], "<f2").tobytes()
    catalog.apply([(name, Item(name, 0, embedding=embedding, encoder="none")) for name in ("this", "that")])
    that, this = (Action(event, key_of(name), 1.0, 0) for event, name in enumerate(("that", "this")))
    profile = apply_interaction(NEW, that)
    follows = apply_engagement(UNKNOWN, engagements(profile, this, 0, 0)[1])
    trends = find_trends(NO_TRENDS, catalog, 0)
    tastes = find_tastes([profile], catalog, 0)
    candidates = generate_candidates(tastes, [profile], [_USER], catalog, {that.item: follows}, trends, 0)
    rank(candidates, tastes, catalog, trends, length=1, now_ms=0)
