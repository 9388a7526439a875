"""What users do with an item: how popular it is, how fast that grows, and what is chosen along with it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.item import decay
from features.jit import compiled
from features.ledger import EMPTY, add_each, all_entries, faded
from features.profile import DAY_MS, Action, Profile

TREND_HALF_LIFE_MS = DAY_MS // 24
POPULAR_HALF_LIFE_MS = 7 * DAY_MS
NEIGHBOUR_HALF_LIFE_MS = 30 * DAY_MS
NEIGHBOURS_LIMIT = 48
#: Only what was chosen shortly before counts, less with each step, and less backwards than forwards.
NEARBY = 5
PER_STEP = 0.8
BACKWARDS = 0.7
#: Interactions weaker than a click say too little to link two items.
LINKING_WEIGHT = 0.9
DAMPING = 5.0
#: Users are told apart by so many marks, and counted in windows of so long: this one and the one before.
USER_BITS = 64
USER_WINDOW_MS = POPULAR_HALF_LIFE_MS


@dataclass(frozen=True, slots=True)
class Engagement:
    """One interaction as one of its items sees it: `weight` moves the popularity, `links` the neighbours.

    `source` and `sequence` say which event of which partition it came from; they grow together, so that an
    engagement that was published twice is recognised. `voter` is the user's bit (`user_bit`), named as on
    state.signals.
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
    """`popular` and `trend`: decayed sums of weights at `at_ms`; `neighbours`: a ledger of co-choices.

    `user_bitmap` and `user_bitmap_before` have the bit of each user (`user_bit`) who added to the sums in the window of
    `at_ms`, and in the window before.
    """

    neighbours: NDArray[np.void]
    popular: float = 0.0
    trend: float = 0.0
    at_ms: int = 0
    user_bitmap: int = 0
    user_bitmap_before: int = 0


UNKNOWN = Behaviour(EMPTY)


def user_bit(user: int) -> int:
    """The mark of the user with this key."""
    return user % USER_BITS


def engagements(before: Profile, action: Action, source: int, offset: int, user_bit: int = 0) -> list[Engagement]:
    """What one interaction means for the items in it: one engagement for its own, one for the item chosen before it.

    The own item gains popularity and links back to all that was chosen shortly before; the last one of these learns
    what came next. (Telling all of them would cost three times the messages.) `before` is the profile without this
    action, `source` and `offset` the event's place in the log, `user_bit` the user's mark.
    """
    recent: list[int] = []
    if action.weight >= LINKING_WEIGHT:
        strong = before.engaged[before.engaged["weight"] >= LINKING_WEIGHT / 2]
        recent = [item for item in strong["item"][::-1].tolist() if item != action.item][:NEARBY]
    links = tuple((item, BACKWARDS * PER_STEP**step) for step, item in enumerate(recent))
    found = [Engagement(action.item, action.at_ms, action.weight, links, source, 2 * offset, user_bit)]
    if recent:
        found.append(Engagement(recent[0], action.at_ms, 0.0, ((action.item, 1.0),), source, 2 * offset + 1, user_bit))
    return found


def apply_engagement(behaviour: Behaviour, engagement: Engagement) -> Behaviour:
    """The item's behaviour after one engagement (forward decay: late ones count as if in time)."""
    at_ms = max(behaviour.at_ms, engagement.at_ms)
    gained = max(engagement.weight, 0.0)
    late = at_ms - engagement.at_ms
    user_bitmap, user_bitmap_before = _count_voters(behaviour, engagement, at_ms)
    return Behaviour(
        neighbours=add_each(
            behaviour.neighbours,
            engagement.links,
            engagement.at_ms,
            limit=NEIGHBOURS_LIMIT,
            half_life_ms=NEIGHBOUR_HALF_LIFE_MS,
        ),
        popular=behaviour.popular * decay(at_ms - behaviour.at_ms, POPULAR_HALF_LIFE_MS)
        + gained * decay(late, POPULAR_HALF_LIFE_MS),
        trend=behaviour.trend * decay(at_ms - behaviour.at_ms, TREND_HALF_LIFE_MS)
        + gained * decay(late, TREND_HALF_LIFE_MS),
        at_ms=at_ms,
        user_bitmap=user_bitmap,
        user_bitmap_before=user_bitmap_before,
    )


def least_users(behaviour: Behaviour) -> int:
    """How many users at least added to the sums in the last one to two weeks: users share marks, so there may be more.

    (Linear counting, Whang et al. 1990, would estimate their number from the same bits; this is a bound.)

    >>> least_users(Behaviour(EMPTY, user_bitmap=0b101, user_bitmap_before=0b11))
    3
    """
    return (behaviour.user_bitmap | behaviour.user_bitmap_before).bit_count()


def strengths(behaviours: Sequence[Behaviour], now_ms: int) -> NDArray[np.float32]:
    """How strongly each neighbour of each item [n in all] follows it, 0 to below 1: rare co-choices are damped."""
    ledgers = [behaviour.neighbours for behaviour in behaviours]
    weights = faded(all_entries(ledgers), now_ms, NEIGHBOUR_HALF_LIFE_MS)
    return _damped(weights, np.array([len(ledger) for ledger in ledgers], np.int64))


@compiled
def _damped(weights: NDArray[np.float32], counts: NDArray[np.int64]) -> NDArray[np.float32]:
    damped = np.empty_like(weights)
    end = 0
    for count in counts:
        start, end = end, end + count
        damped[start:end] = weights[start:end] / (weights[start:end].sum() + np.float32(DAMPING))
    return damped


def _count_voters(behaviour: Behaviour, engagement: Engagement, at_ms: int) -> tuple[int, int]:
    """The bits of the window of `at_ms` and of the one before, in whatever order the engagements come."""
    user_bitmap, before = behaviour.user_bitmap, behaviour.user_bitmap_before
    window, known = at_ms // USER_WINDOW_MS, behaviour.at_ms // USER_WINDOW_MS
    if window > known:
        user_bitmap, before = 0, user_bitmap if window == known + 1 else 0
    if engagement.weight > 0:
        ago = window - engagement.at_ms // USER_WINDOW_MS
        user_bitmap |= (ago == 0) << engagement.voter
        before |= (ago == 1) << engagement.voter
    return user_bitmap, before
