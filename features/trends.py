"""A short table of the most popular items and of the fastest risers."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from features.behaviour import POPULAR_HALF_LIFE_MS, TREND_HALF_LIFE_MS, Behaviour, least_users

#: One item with its sums, decayed to `at_s` (Unix seconds).
TREND = np.dtype([("item", "<u8"), ("popular", "<f4"), ("trend", "<f4"), ("at_s", "<u4")])
NO_TRENDS = np.empty(0, TREND)
TRENDS_LIMIT = 256


def update_trends(
    trends: NDArray[np.void], changed: Mapping[int, Behaviour], now_ms: int, *, min_users: int = 1
) -> NDArray[np.void]:
    """The table with the changed items; over TRENDS_LIMIT the most popular and the fastest rising items stay.

    A changed item is left out if nobody chose it, and unless at least `min_users` users contributed to it.
    """
    keys = np.fromiter(changed, "<u8", len(changed))
    shown = {key: b for key, b in changed.items() if b.popular > 0 and is_shown(b, min_users)}
    new = np.array([(key, b.popular, b.trend, max(b.at_ms, 0) // 1000) for key, b in shown.items()], TREND)
    merged: NDArray[np.void] = np.concatenate([trends[~np.isin(trends["item"], keys)], new])
    if len(merged) <= TRENDS_LIMIT:
        return merged
    popular, trend = at_time(merged, now_ms)
    # The better of the two ranks of an item decides, so that old favourites do not push out a riser.
    rank = np.minimum((-popular).argsort().argsort(), (-trend).argsort().argsort())
    return merged[np.sort(rank.argsort(kind="stable")[:TRENDS_LIMIT])]


def is_shown(behaviour: Behaviour, min_users: int) -> bool:
    """Whether an item may appear as popular or trending: at least `min_users` users contributed to it."""
    return min_users <= 1 or least_users(behaviour) >= min_users


def at_time(trends: NDArray[np.void], now_ms: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(popular, trend), float32 [n] each, decayed to `now_ms`."""
    age_ms = np.maximum(now_ms - trends["at_s"].astype(np.float64) * 1000, 0.0)
    popular: NDArray[np.float32] = (trends["popular"] * 0.5 ** (age_ms / POPULAR_HALF_LIFE_MS)).astype(np.float32)
    trend: NDArray[np.float32] = (trends["trend"] * 0.5 ** (age_ms / TREND_HALF_LIFE_MS)).astype(np.float32)
    return popular, trend
