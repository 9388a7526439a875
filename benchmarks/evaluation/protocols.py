"""Which events are predicted, and from what: the protocols of an evaluation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from benchmarks.evaluation.log import Event

Protocol: TypeAlias = Literal["prequential", "leave-last", "time-split"]

#: The share of the events that is learned before the first prediction.
WARM_UP = 0.2
#: The share of the events before the split of `time-split`.
BEFORE_SPLIT = 0.8


@dataclass(frozen=True, slots=True)
class Question:
    """The list of a user at a time is to hold `targets`: the items that the user turns out to want."""

    user: str
    targets: tuple[str, ...]
    at_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """A question to be answered first, then an event to be learned; either may be missing."""

    question: Question | None = None
    event: Event | None = None


def steps_of(events: Sequence[Event], protocol: Protocol) -> Iterator[Step]:
    """The steps of a protocol over events in order of time. Only items that are new to their user are asked for."""
    is_asked = wanted(events)
    if protocol == "prequential":
        start = round(WARM_UP * len(events))
        for place, event in enumerate(events):
            yield Step(_asked(event) if place >= start and is_asked[place] else None, event)
    elif protocol == "leave-last":
        last = {event.user: place for place, event in enumerate(events) if is_asked[place]}
        left = sorted(last.values())
        out = set(left)
        yield from (Step(None, event) for place, event in enumerate(events) if place not in out)
        yield from (Step(_asked(events[place])) for place in left)
    else:
        split = round(BEFORE_SPLIT * len(events))
        yield from (Step(None, event) for event in events[:split])
        targets: dict[str, list[str]] = {}
        for event, is_wanted in zip(events[split:], is_asked[split:], strict=True):
            if is_wanted:
                targets.setdefault(event.user, []).append(event.item)
        at_ms = events[split - 1].at_ms if split else 0
        yield from (Step(Question(user, tuple(items), at_ms)) for user, items in targets.items())


def steps_of_tail(events: Sequence[Event]) -> Iterator[Step]:
    """Each event is predicted, whatever it says, and then learned."""
    return (Step(_asked(event), event) for event in events)


def _asked(event: Event) -> Question:
    return Question(event.user, (event.item,), event.at_ms)


def wanted(events: Sequence[Event]) -> list[bool]:
    """For each event whether it is the user's first with its item, and says that the user wants it."""
    had: set[tuple[str, str]] = set()
    found = []
    for event in events:
        pair = (event.user, event.item)
        found.append(event.is_wanted and pair not in had)
        had.add(pair)
    return found
