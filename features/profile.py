"""The profile of a user in a few hundred bytes, and the one rule that changes it.

A profile holds items and weights, never vectors: the interests of the user are computed from the profile and the
catalogue when they are needed (`features.interests`). So a profile is a function of the events of the user alone, equal
after any replay; a deleted item no longer affects lists, and a new encoder needs no new profiles (docs/adr/0006).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.dials import NO_DIALS
from features.ledger import EMPTY, add, remove

U = TypeVar("U", np.uint32, np.uint64)

DAY_MS = 86_400_000
ENGAGED_HALF_LIFE_MS = 14 * DAY_MS
ENGAGED_LIMIT = 32
REFUSED_LIMIT = 16
SEEN_LIMIT = 256
EVENTS_LIMIT = 32

#: An interaction of at least this weight revokes a refusal.
CHANGE_OF_MIND = 1.0

#: Weights of interactions; `weigh` computes those of `rate` and of a `view` with a dwell time.
WEIGHTS = {
    "view": 0.2,
    "click": 1.0,
    "like": 2.0,
    "save": 2.0,
    "share": 2.5,
    "purchase": 3.0,
    "upload": 1.5,
    "dislike": -2.0,
    "hide": -3.0,
}


#: Before any event; far from the int64 limit, so that sums with it do not overflow.
NEVER_MS = -(2**62)


@dataclass(frozen=True, slots=True)
class Privacy:
    """The effect of privacy requests (`features.privacy`): events up to `forgotten_ms` are refused.

    `asked_offset` is the offset of the last request on events.privacy; `asked_ms` is the latest time of any request.
    """

    opted_out: bool = False
    forgotten_ms: int = NEVER_MS
    asked_offset: int = -1
    asked_ms: int = NEVER_MS


NOTHING_ASKED = Privacy()


@dataclass(frozen=True, slots=True)
class Profile:
    """The state of a user after a prefix of the log.

    `engaged` and `refused` are ledgers (`features.ledger.ENTRY`), oldest first; `seen` uint32 [≤ 256], the low halves
    of item keys, oldest first; `events` uint64 [≤ 32], the keys of the last event ids, by which repeated events are
    recognised; `dials` (`features.dials.DIAL`) [≤ 32], set by the user, oldest first.
    """

    engaged: NDArray[np.void]
    refused: NDArray[np.void]
    seen: NDArray[np.uint32]
    events: NDArray[np.uint64]
    count: int = 0
    last_at_ms: int = 0
    privacy: Privacy = NOTHING_ASKED
    dials: NDArray[np.void] = field(default_factory=lambda: NO_DIALS)


NEW = Profile(EMPTY, EMPTY, np.empty(0, "<u4"), np.empty(0, "<u8"))


@dataclass(frozen=True, slots=True)
class Action:
    """An interaction as the profile sees it: keys for ids, one weight, a clamped time."""

    event: int
    item: int
    weight: float
    at_ms: int


def weigh(kind: str, *, rating: float | None = None, dwell_ms: int | None = None) -> float:
    """The weight of an interaction: positive for liking, negative for dislike, 0 for neither.

    >>> weigh("click"), weigh("rate", rating=5), weigh("rate", rating=1.5), weigh("view", dwell_ms=30_000)
    (1.0, 2.0, -1.5, 0.5)
    """
    if kind == "rate":
        return (rating or 3.0) - 3.0
    if kind == "view" and dwell_ms is not None:
        return min(max(dwell_ms / 60_000, 0.1), 1.0)
    return WEIGHTS[kind]


#: What an interaction or a request did. Only `applied` changes the profile.
#: `duplicate`: its id was seen before; `late`: from before its user was forgotten; `opted_out`: its user objected.
Outcome: TypeAlias = Literal["applied", "duplicate", "late", "opted_out"]


@dataclass(frozen=True, slots=True)
class Step:
    """The profile after an interaction or a request, and what that did."""

    profile: Profile
    outcome: Outcome


def apply_interaction(profile: Profile, action: Action) -> Step:
    """Apply one interaction; the same event again gives the same profile.

    A clicked item leaves the refused ones and the reverse: the latest clear sign counts. A glance at a refused item
    (the page that was left by hiding it, say) is no change of mind.
    """
    if action.at_ms <= profile.privacy.forgotten_ms:
        return Step(profile, "late")
    if (profile.events == np.uint64(action.event)).any():
        return Step(profile, "duplicate")
    if profile.privacy.opted_out:
        return Step(profile, "opted_out")
    engaged, refused = profile.engaged, profile.refused
    hidden = len(refused) > 0 and bool((refused["item"] == np.uint64(action.item)).any())
    if action.weight >= CHANGE_OF_MIND or (action.weight > 0 and not hidden):
        engaged = _add(engaged, action, ENGAGED_LIMIT)
        refused = remove(refused, action.item)
    elif action.weight < 0:
        refused = _add(refused, action, REFUSED_LIMIT)
        engaged = remove(engaged, action.item)
    after = Profile(
        engaged=engaged,
        refused=refused,
        seen=_noted(profile.seen, action.item & 0xFFFF_FFFF, SEEN_LIMIT),
        events=_noted(profile.events, action.event, EVENTS_LIMIT),
        count=profile.count + 1,
        last_at_ms=max(profile.last_at_ms, action.at_ms),
        privacy=profile.privacy,
        dials=profile.dials,
    )
    return Step(after, "applied")


def profile_after(actions: Iterable[Action], start: Profile = NEW) -> Profile:
    """The profile after some interactions, in their order."""
    for action in actions:
        start = apply_interaction(start, action).profile
    return start


def _noted(values: NDArray[U], value: int, limit: int) -> NDArray[U]:
    """The values with `value` moved or added to the end, at most the last `limit`."""
    others = values[values != values.dtype.type(value)]
    grown = np.empty(len(others) + 1, values.dtype)
    grown[:-1] = others
    grown[-1] = value
    return grown[-limit:]


def _add(entries: NDArray[np.void], action: Action, limit: int) -> NDArray[np.void]:
    weight = abs(action.weight)
    return add(entries, action.item, weight, action.at_ms, limit=limit, half_life_ms=ENGAGED_HALF_LIFE_MS)
