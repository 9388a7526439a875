"""Privacy requests of users, and their effect on profiles (docs/adr/0009)."""

from dataclasses import dataclass, replace
from typing import Final

from features.dials import turn
from features.profile import DAY_MS, NEVER_MS, NEW, Privacy, Profile, Step
from sightline_client.privacy import RequestKind

#: Requests that erase the taste; the last list is withdrawn with it.
ERASING: Final = frozenset[RequestKind]({"forget", "reset", "opt_out"})

#: How long a forgotten user is remembered as such: events are retained and accepted for 7 days, and clocks differ.
MARKER_MS = 8 * DAY_MS


@dataclass(frozen=True, slots=True)
class Request:
    """A request of a user: its offset and broker time on events.privacy, and the dials of a `prefer`."""

    kind: RequestKind
    offset: int
    at_ms: int
    dials: tuple[tuple[str, float], ...] = ()


def apply_request(profile: Profile, request: Request) -> Step:
    """Apply a request; the same one again is a duplicate, and an export changes nothing.

    `forget` keeps only the time up to which events are refused and an objection (`opt_out`), which is a wish, not a
    trace. `reset` and `opt_out` erase the taste but keep what is remembered of event ids, so that no event counts
    twice, and the dials, which the user set.

    >>> forgotten = apply_request(NEW, Request("forget", 7, 1000)).profile.privacy
    >>> forgotten.forgotten_ms, forgotten.asked_offset, forgotten.opted_out
    (1000, 7, False)
    """
    if _is_repeated(profile, request):
        return Step(profile, "duplicate")
    known = profile.privacy
    # The latest time, so that no earlier request looks new if the clock of the broker goes back.
    asked_offset, asked_ms = request.offset, max(known.asked_ms, request.at_ms)
    return Step(_after(profile, request, replace(known, asked_offset=asked_offset, asked_ms=asked_ms)), "applied")


def _after(profile: Profile, request: Request, privacy: Privacy) -> Profile:
    match request.kind:
        case "export":
            return profile
        case "forget":
            forgotten_ms = max(profile.privacy.forgotten_ms, request.at_ms)
            return replace(NEW, privacy=replace(privacy, forgotten_ms=forgotten_ms))
        case "reset":
            return _without_taste(profile, privacy)
        case "opt_out":
            return _without_taste(profile, replace(privacy, opted_out=True))
        case "opt_in":
            return replace(profile, privacy=replace(privacy, opted_out=False))
        case "prefer":
            return replace(profile, privacy=privacy, dials=turn(profile.dials, request.dials))


def _without_taste(profile: Profile, privacy: Privacy) -> Profile:
    """What remains recognises repeated events, or was set by the user."""
    return replace(
        NEW,
        events=profile.events,
        events_before=profile.events_before,
        uploads=profile.uploads,
        privacy=privacy,
        dials=profile.dials,
    )


def _is_repeated(profile: Profile, request: Request) -> bool:
    """Whether the request was applied before: neither its offset nor its time is above those of the last one.

    A new request has a higher offset; in a recreated topic offsets restart, but its time is later. A clock may go
    back, but not at the moment when the topic is recreated.
    """
    known = profile.privacy
    return request.offset <= known.asked_offset and request.at_ms <= known.asked_ms


def expires_ms(profile: Profile) -> int | None:
    """When the profile may be removed (Unix ms): it was forgotten and has no later events, dials or objection."""
    privacy, later = profile.privacy, profile.count or len(profile.events) or len(profile.dials)
    if privacy.forgotten_ms == NEVER_MS or privacy.opted_out or later:
        return None
    return privacy.forgotten_ms + MARKER_MS


def without_lapsed(profile: Profile, now_ms: int) -> Profile:
    """The profile without markers that may have expired in the store, to compare profiles of different ages."""
    privacy = profile.privacy
    if privacy.forgotten_ms + MARKER_MS <= now_ms:
        privacy = replace(privacy, forgotten_ms=NEVER_MS)
    if privacy.asked_ms + MARKER_MS <= now_ms:
        privacy = replace(privacy, asked_offset=-1, asked_ms=NEVER_MS)
    return replace(profile, privacy=privacy)
