"""The profile of a user in a few hundred bytes, and the one rule that changes it.

A profile holds items and weights, never vectors: the interests of the user are computed from the profile and the
catalogue when they are needed (`features.interests`). So a profile is a function of the events of the user alone, equal
after any replay; a deleted item no longer affects lists, and a new encoder needs no new profiles (docs/adr/0006).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from features.dials import NO_DIALS
from features.fingerprints import FingerprintSets, Generations, count
from features.item import decay
from features.ledger import EMPTY, WEIGHT_LIMIT, add, remove
from features.upload_places import NO_PLACES, UploadPlace, is_passed, passed

U = TypeVar("U", np.uint32, np.uint64)

DAY_MS = 86_400_000
ENGAGED_HALF_LIFE_MS = 14 * DAY_MS
ENGAGED_LIMIT = 32
REFUSED_LIMIT = 16
SEEN_LIMIT = 256
EVENTS_LIMIT = 32

#: What is remembered beyond these limits: at least the last 16,384 items seen and 16,384 refused, and 4,096 event ids.
#: Of 10,000 others, an item is held back wrongly 48 times by 10,000 seen ones; an event is lost once in 14,000 at most.
SEEN_BEFORE = FingerprintSets(bits=21, size=16_384, limit=2)
REFUSED_BEFORE = FingerprintSets(bits=32, size=16_384, limit=2)
EVENTS_BEFORE = FingerprintSets(bits=26, size=512, limit=9)
#: From so many items seen on, 2,048 event ids at least are remembered: the profile of such a user stays below 20 KiB.
MANY_SEEN = 8_192
EVENTS_BEFORE_MANY_SEEN = replace(EVENTS_BEFORE, limit=5)

#: An interaction of at least this weight revokes a refusal.
CHANGE_OF_MIND = 1.0

#: The weight of an item that was shown and scrolled past, however often.
IMPRESSION = 0.05
#: The weight of an item whose page was looked at, for however long and however often.
LOOK_LIMIT = 1.0
#: A look of this length has that weight, if the item is no clip.
LONG_LOOK_MS = 60_000

#: Weights of interactions; `weigh` computes those of `rate` and of a `view` with a dwell time. What is put into the
#: cart is nearly bought. A comment may praise or blame, so it says as much as a click: attention.
WEIGHTS = {
    "view": IMPRESSION,
    "click": 1.0,
    "like": 2.0,
    "save": 2.0,
    "share": 2.5,
    "cart": 2.5,
    "purchase": 3.0,
    "comment": 1.0,
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
    recognised; `dials` (`features.dials.DIAL`), set by the user, oldest first.

    What no longer has room in `seen`, `refused` and `events` goes to the fingerprints of `…_before`. `uploads`
    (`features.upload_places.PLACE`) has the last upload from each partition. The last `seen_today` of `seen` are those
    of the UTC day of `last_at_ms`. `only_uploaded` has the keys of engaged items that were uploaded and never chosen.
    """

    engaged: NDArray[np.void]
    refused: NDArray[np.void]
    seen: NDArray[np.uint32]
    events: NDArray[np.uint64]
    count: int = 0
    last_at_ms: int = 0
    privacy: Privacy = NOTHING_ASKED
    dials: NDArray[np.void] = field(default_factory=lambda: NO_DIALS)
    seen_before: Generations = ()
    refused_before: Generations = ()
    events_before: Generations = ()
    uploads: NDArray[np.void] = field(default_factory=lambda: NO_PLACES)
    seen_today: int = 0
    only_uploaded: frozenset[int] = frozenset()

    @property
    def is_known(self) -> bool:
        """Whether anything is known of the user; of one who was forgotten a marker is stored, and nothing is."""
        return bool(self.count or len(self.dials))


NEW = Profile(EMPTY, EMPTY, np.empty(0, "<u4"), np.empty(0, "<u8"))


@dataclass(frozen=True, slots=True)
class Action:
    """An interaction as the profile sees it: keys for ids, one weight, a clamped time.

    It lifts the weight of its item up to `most`. `is_upload`: the user uploaded the item; `upload` is the place of the
    upload that led to it, if one did.
    """

    event: int
    item: int
    weight: float
    at_ms: int
    most: float = WEIGHT_LIMIT
    upload: UploadPlace | None = None
    is_upload: bool = False


def weigh(
    kind: str, *, rating: float | None = None, dwell_ms: int | None = None, duration_ms: int | None = None
) -> float:
    """The weight of an interaction: positive for liking, negative for dislike, 0 for neither.

    A `view` without a dwell time is an impression, and one with it a look at the page of the item. Of a clip of
    `duration_ms` the share that was watched counts: a long clip is no better liked for being long (Zhan et al., KDD
    2022).

    >>> weigh("click"), weigh("rate", rating=5), weigh("rate", rating=1.5), weigh("view", dwell_ms=30_000)
    (1.0, 2.0, -1.5, 0.5)
    >>> weigh("view", dwell_ms=6_000, duration_ms=8_000), weigh("view", dwell_ms=6_000, duration_ms=120_000)
    (0.75, 0.1)
    """
    if kind == "rate":
        return (rating or 3.0) - 3.0
    if kind == "view" and dwell_ms is not None:
        return min(max(dwell_ms / (duration_ms or LONG_LOOK_MS), 0.1), LOOK_LIMIT)
    return WEIGHTS[kind]


def most_of(kind: str, *, dwell_ms: int | None = None) -> float:
    """The weight up to which interactions of this kind lift an item: views never outweigh what a user chose.

    >>> most_of("view"), most_of("view", dwell_ms=5_000), most_of("purchase")
    (0.05, 1.0, 8.0)
    """
    if kind == "view":
        return IMPRESSION if dwell_ms is None else LOOK_LIMIT
    return WEIGHT_LIMIT


#: What an interaction or a request did. Only `applied` changes the profile.
#: `duplicate`: its id was seen before; `late`: from before its user was forgotten; `opted_out`: its user objected.
Outcome: TypeAlias = Literal["applied", "duplicate", "late", "opted_out"]


#: What tells that an event was applied before: its id among the last ones, the fingerprint of its id, or its upload.
Repetition: TypeAlias = Literal["event", "earlier_event", "upload"]


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
    if repetition(profile, action) is not None:
        return Step(profile, "duplicate")
    if profile.privacy.opted_out:
        return Step(profile, "opted_out")
    low_half = action.item & 0xFFFF_FFFF
    seen, seen_before = _noted(profile.seen, profile.seen_before, low_half, SEEN_LIMIT, SEEN_BEFORE)
    sets = EVENTS_BEFORE if count(seen_before) < MANY_SEEN else EVENTS_BEFORE_MANY_SEEN
    events, events_before = _noted(profile.events, profile.events_before, action.event, EVENTS_LIMIT, sets)
    engaged, refused, refused_before = _judged(profile, action)
    after = Profile(
        engaged=engaged,
        refused=refused,
        seen=seen,
        events=events,
        count=profile.count + 1,
        last_at_ms=max(profile.last_at_ms, action.at_ms),
        privacy=profile.privacy,
        dials=profile.dials,
        seen_before=seen_before,
        refused_before=refused_before,
        events_before=events_before,
        uploads=profile.uploads if action.upload is None else passed(profile.uploads, action.upload),
        seen_today=_count_today(profile, low_half, action.at_ms),
        only_uploaded=_only_uploaded(profile, action, engaged),
    )
    return Step(after, "applied")


def repetition(profile: Profile, action: Action) -> Repetition | None:
    """By what an action is recognised as applied before; None for a new one, but with the chance `false_repeats`."""
    if action.upload is not None and is_passed(profile.uploads, action.upload):
        return "upload"
    if (profile.events == np.uint64(action.event)).any():
        return "event"
    if not EVENTS_BEFORE.has(profile.events_before, action.event):
        return None
    # A new refusal must not be lost by chance; one that was applied left its item among those seen.
    return "earlier_event" if action.weight >= 0 or _may_have_seen(profile, action.item) else None


def _may_have_seen(profile: Profile, item: int) -> bool:
    """Whether an event about the item may have been applied: more items seen are remembered than events.

    After a reset, which empties what was seen, and the count, this is not known of any item.
    """
    if profile.count < len(profile.events) + count(profile.events_before):
        return True
    low_half = item & 0xFFFF_FFFF
    return bool((profile.seen == np.uint32(low_half)).any()) or SEEN_BEFORE.has(profile.seen_before, low_half)


def false_repeats(profile: Profile) -> float:
    """The chance that the next event is new and mistaken for a repeated one: 0 for a user with few events."""
    return EVENTS_BEFORE.doubt(profile.events_before)


def seen_on_day(profile: Profile, now_ms: int) -> NDArray[np.uint32]:
    """The low halves of the keys of the items that the user saw on the UTC day of `now_ms`, of the last 256 seen.

    >>> seen_on_day(profile_after([Action(1, 7, 1.0, DAY_MS)]), 2 * DAY_MS - 1).tolist()
    [7]
    >>> seen_on_day(profile_after([Action(1, 7, 1.0, DAY_MS)]), 2 * DAY_MS).tolist()
    []
    """
    # An event may come from a clock that is a moment ahead: its day has begun.
    is_over = profile.last_at_ms // DAY_MS < now_ms // DAY_MS
    return profile.seen[len(profile.seen) - (0 if is_over else profile.seen_today) :]


def has_refused(profile: Profile, item: int) -> bool:
    """Whether the user refused the item and did not take that back."""
    return (len(profile.refused) > 0 and bool((profile.refused["item"] == np.uint64(item)).any())) or (
        REFUSED_BEFORE.has(profile.refused_before, item)
    )


def lift(profile: Profile, action: Action) -> float:
    """What an action adds to the weight of its item: a user who sees or clicks an item often adds little each time."""
    entry = profile.engaged[profile.engaged["item"] == np.uint64(action.item)]
    if action.weight <= 0 or not len(entry):
        return action.weight
    age_ms = action.at_ms - 1000 * int(entry["at_s"][0])
    known = float(entry["weight"][0]) * decay(age_ms, ENGAGED_HALF_LIFE_MS)
    return min(action.weight, max(action.most - known, 0.0))


def chosen(profile: Profile) -> NDArray[np.void]:
    """The engaged items that were more than shown, oldest first."""
    more = _is_chosen(profile)
    return profile.engaged if more.all() else profile.engaged[more]


def liked(profile: Profile) -> NDArray[np.void]:
    """The engaged items by which tastes are judged, oldest first: those that were more than shown.

    All are, for a user who never did more than look: then views are all that says what the user likes.
    """
    more = chosen(profile)
    return more if len(more) else profile.engaged


def passed_over(profile: Profile) -> NDArray[np.void]:
    """The engaged items that were only shown, oldest first; none for a user who never did more than look."""
    more = _is_chosen(profile)
    return profile.engaged[~more] if more.any() and not more.all() else EMPTY


def profile_after(actions: Iterable[Action], start: Profile = NEW) -> Profile:
    """The profile after some interactions, in their order."""
    for action in actions:
        start = apply_interaction(start, action).profile
    return start


def _is_chosen(profile: Profile) -> NDArray[np.bool_]:
    """Which of the engaged items were more than shown; impressions lift none above the weight of one."""
    more: NDArray[np.bool_] = profile.engaged["weight"] > np.float32(IMPRESSION)
    return more


def _count_today(profile: Profile, low_half: int, at_ms: int) -> int:
    """How many items the user saw on the latest day, with this one; a late event counts on the day that it came."""
    today = seen_on_day(profile, at_ms)
    return min(len(today) + (not (today == np.uint32(low_half)).any()), SEEN_LIMIT)


def _judged(profile: Profile, action: Action) -> tuple[NDArray[np.void], NDArray[np.void], Generations]:
    """The engaged items, the refused ones and those refused before, after an action."""
    engaged, refused, before = profile.engaged, profile.refused, profile.refused_before
    hidden = action.weight > 0 and has_refused(profile, action.item)
    if action.weight >= CHANGE_OF_MIND or (action.weight > 0 and not hidden):
        engaged = _add(engaged, action, ENGAGED_LIMIT)
        if hidden:
            refused, before = remove(refused, action.item), REFUSED_BEFORE.remove(before, action.item)
    elif action.weight < 0:
        refused = _add(refused, action, REFUSED_LIMIT)
        engaged = remove(engaged, action.item)
        if len(profile.refused) == REFUSED_LIMIT:
            for item in profile.refused["item"][~np.isin(profile.refused["item"], refused["item"])].tolist():
                before = REFUSED_BEFORE.add(before, item)
    return engaged, refused, before


def _only_uploaded(profile: Profile, action: Action, engaged: NDArray[np.void]) -> frozenset[int]:
    """The engaged items that were uploaded and never chosen, after an action."""
    known = profile.only_uploaded
    if action.is_upload and not (chosen(profile)["item"] == np.uint64(action.item)).any():
        known |= {action.item}
    elif action.weight >= CHANGE_OF_MIND and not action.is_upload:
        known -= {action.item}
    return known.intersection(engaged["item"].tolist()) if known else known


def _noted(
    latest: NDArray[U], before: Generations, value: int, limit: int, sets: FingerprintSets
) -> tuple[NDArray[U], Generations]:
    """The values with `value` moved or added to the end: the last `limit`, and the fingerprints of those before."""
    others = latest[latest != latest.dtype.type(value)]
    grown = np.empty(len(others) + 1, latest.dtype)
    grown[:-1] = others
    grown[-1] = value
    for oldest in grown[:-limit].tolist():
        before = sets.add(before, oldest)
    return grown[-limit:], before


def _add(entries: NDArray[np.void], action: Action, limit: int) -> NDArray[np.void]:
    weight, half_life_ms = abs(action.weight), ENGAGED_HALF_LIFE_MS
    return add(entries, action.item, weight, action.at_ms, limit=limit, half_life_ms=half_life_ms, most=action.most)
