"""Caps of promotions by user and day: how many of its slots a promotion has left in each user's list.

What a user saw today is in the profile, which is a function of the log alone. So a cap holds after a crash and in a
replay, and a rule that changes counts what was seen before it did.
"""

import numpy as np
from numpy.typing import NDArray

from features.profile import Profile, seen_on_day
from inference.catalog.catalog import Catalog
from inference.retrieval.query import Query
from inference.shop_rules.standing import NO_CAP, StandingRules


def slots_left(query: Query, shop: StandingRules) -> NDArray[np.int64]:
    """The most slots that each of p promotions may have in the list of each user of a query, int64 [u, p]."""
    promotions = shop.promotions
    if (promotions.day_caps == NO_CAP).all():
        return np.broadcast_to(promotions.mosts, (len(query.profiles), len(promotions.mosts))).copy()
    seen = [seen_today(profile, shop, query.catalog, query.now_ms) for profile in query.profiles]
    left: NDArray[np.int64] = np.minimum(promotions.mosts, promotions.day_caps - np.array(seen))
    return left


def seen_today(profile: Profile, shop: StandingRules, catalog: Catalog, now_ms: int) -> NDArray[np.int64]:
    """How many of the items that each of p promotions names the user saw on the UTC day of `now_ms`, int64 [p].

    Of the last 256 items seen (`features.profile`); one that was deleted since is not known to be named.
    """
    rows = catalog.rows_of_low(seen_on_day(profile, now_ms))
    rows = np.unique(rows[rows >= 0])
    named = shop.marks(rows, catalog).promotions.take(rows)
    bits = np.uint64(1) << np.arange(len(shop.promotions.numbers), dtype=np.uint64)
    counts: NDArray[np.int64] = (named[:, None] & bits > 0).sum(axis=0)
    return counts
