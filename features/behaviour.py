"""The behaviour of users towards an item: its popularity, its trend, and the items chosen together with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.co_choices.choice import Choice
from features.co_choices.neighbours import Links, fading, link
from features.item import decay
from features.jit import compiled
from features.ledger import EMPTY, all_entries
from features.profile import DAY_MS

TREND_HALF_LIFE_MS = DAY_MS // 24
POPULAR_HALF_LIFE_MS = 7 * DAY_MS
DAMPING = 5.0
#: Distinct users are counted in a bitmap of USER_BITS bits, one for the current window and one for the window before.
USER_BITS = 64
USER_WINDOW_MS = POPULAR_HALF_LIFE_MS


@dataclass(frozen=True, slots=True)
class Engagement:
    """The effect of one interaction on one item, as the release before published it (now: `Choice`).

    `weight` adds to its popularity, `links` to its neighbours.
    """

    item: int
    at_ms: int
    weight: float
    links: tuple[tuple[int, float], ...]
    source: int
    sequence: int
    voter: int = 0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`popular` and `trend` are sums of weights, decayed to `at_ms`; `neighbours` is a ledger of co-chosen items.

    `user_bitmap` and `user_bitmap_before` have the bits of the users (`user_bit`) who added to the sums in the window
    of `at_ms` and in the window before; `met_bitmap` and `met_bitmap_before` those of users who met the item in a
    list, and added nothing at that time.
    """

    neighbours: NDArray[np.void]
    popular: float = 0.0
    trend: float = 0.0
    at_ms: int = 0
    user_bitmap: int = 0
    user_bitmap_before: int = 0
    met_bitmap: int = 0
    met_bitmap_before: int = 0


UNKNOWN = Behaviour(EMPTY)


def user_bit(user: int) -> int:
    """The bit of the user with this key, 0 to USER_BITS - 1."""
    return user % USER_BITS


def counted(behaviour: Behaviour, engagement: Choice | Engagement) -> Behaviour:
    """The behaviour with what one choice of its item adds to the sums.

    (Forward decay: a late one counts as if it came in time.)
    """
    at_ms = max(behaviour.at_ms, engagement.at_ms)
    gained = max(engagement.weight, 0.0)
    age_ms = at_ms - behaviour.at_ms
    late_ms = at_ms - engagement.at_ms
    bitmaps = _add_user(behaviour, engagement, at_ms)
    return Behaviour(
        neighbours=behaviour.neighbours,
        popular=behaviour.popular * decay(age_ms, POPULAR_HALF_LIFE_MS) + gained * decay(late_ms, POPULAR_HALF_LIFE_MS),
        trend=behaviour.trend * decay(age_ms, TREND_HALF_LIFE_MS) + gained * decay(late_ms, TREND_HALF_LIFE_MS),
        at_ms=at_ms,
        user_bitmap=bitmaps[0],
        user_bitmap_before=bitmaps[1],
        met_bitmap=bitmaps[2],
        met_bitmap_before=bitmaps[3],
    )


def linked(behaviours: Mapping[int, Behaviour], links: Links) -> dict[int, Behaviour]:
    """These behaviours with all links, whose owners are among them, in order."""
    neighbours = link({owner: behaviours[owner].neighbours for owner in links.owners}, links)
    return {**behaviours, **{owner: _with_neighbours(behaviours[owner], each) for owner, each in neighbours.items()}}


def _with_neighbours(behaviour: Behaviour, neighbours: NDArray[np.void]) -> Behaviour:
    # dataclasses.replace takes five times as long.
    return Behaviour(
        neighbours,
        behaviour.popular,
        behaviour.trend,
        behaviour.at_ms,
        behaviour.user_bitmap,
        behaviour.user_bitmap_before,
        behaviour.met_bitmap,
        behaviour.met_bitmap_before,
    )


def least_users(behaviour: Behaviour) -> int:
    """A lower bound of the users who added to the sums in the last one to two weeks; users may share bits.

    (Linear counting, Whang et al. 1990, estimates the number from the same bits; this is a bound.)

    >>> least_users(Behaviour(EMPTY, user_bitmap=0b101, user_bitmap_before=0b11))
    3
    """
    return (behaviour.user_bitmap | behaviour.user_bitmap_before).bit_count()


def least_met(behaviour: Behaviour) -> int:
    """A lower bound of the users who met the item in the last one to two weeks, whether or not they chose it.

    >>> least_met(Behaviour(EMPTY, user_bitmap=0b101, met_bitmap=0b11))
    3
    """
    met = behaviour.met_bitmap | behaviour.met_bitmap_before
    return (behaviour.user_bitmap | behaviour.user_bitmap_before | met).bit_count()


def strengths(behaviours: Sequence[Behaviour]) -> NDArray[np.float32]:
    """Strength of each neighbour of each item, one item after the other: float32 [n], 0 ≤ s < 1.

    A strength is the share of the weight among all co-choices of the item, as of the last of them, damped where there
    are few.
    """
    ledgers = [behaviour.neighbours for behaviour in behaviours]
    return _damped(all_entries(ledgers), np.array([len(ledger) for ledger in ledgers], np.int64))


@compiled
def _damped(entries: NDArray[np.void], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    damped = np.empty(len(entries), np.float32)
    end = 0
    for count in counts:
        start, end = end, end + count
        newest_s = 0
        for index in range(start, end):
            newest_s = max(newest_s, int(entries[index]["at_s"]))
        total = DAMPING
        for index in range(start, end):
            damped[index] = entries[index]["weight"] * fading(newest_s - int(entries[index]["at_s"]))
            total += damped[index]
        for index in range(start, end):
            damped[index] /= total
    return damped


def _add_user(behaviour: Behaviour, engagement: Choice | Engagement, at_ms: int) -> tuple[int, int, int, int]:
    """The bitmaps of the window of `at_ms` and of the window before; engagements may come in any order."""
    users, users_before = behaviour.user_bitmap, behaviour.user_bitmap_before
    met, met_before = behaviour.met_bitmap, behaviour.met_bitmap_before
    window, known = at_ms // USER_WINDOW_MS, behaviour.at_ms // USER_WINDOW_MS
    if window > known:
        is_next = window == known + 1
        users, users_before, met, met_before = 0, users * is_next, 0, met * is_next
    ago = window - engagement.at_ms // USER_WINDOW_MS
    now, before = (ago == 0) << engagement.voter, (ago == 1) << engagement.voter
    if engagement.weight > 0:
        return users | now, users_before | before, met, met_before
    if engagement.weight == 0:
        return users, users_before, met | now, met_before | before
    return users, users_before, met, met_before
