"""Which events are predicted, and from what: the protocols of an evaluation."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    wanted = wanted_in(events)
    if protocol == "prequential":
        start = round(WARM_UP * len(events))
        wanted_at = by_place(events, wanted)
        for place, event in enumerate(events):
            items = wanted_at.get(place, ()) if place >= start else ()
            yield Step(Question(event.user, tuple(items), event.at_ms) if items else None, event)
    elif protocol == "leave-last":
        last = {events[each.place].user: each for each in wanted}
        yield from (Step(None, event) for place, event in enumerate(events) if not _is_left(events, place, last))
        yield from (Step(_asked(events[each.place])) for each in sorted(last.values(), key=lambda each: each.place))
    else:
        split = round(BEFORE_SPLIT * len(events))
        yield from (Step(None, event) for event in events[:split])
        targets: dict[str, list[str]] = {}
        for each in wanted:
            if each.asked >= split:
                targets.setdefault(events[each.place].user, []).append(events[each.place].item)
        at_ms = events[split - 1].at_ms if split else 0
        yield from (Step(Question(user, tuple(items), at_ms)) for user, items in targets.items())


def steps_of_tail(events: Sequence[Event]) -> Iterator[Step]:
    """Each event is predicted, whatever it says, and then learned."""
    return (Step(_asked(event), event) for event in events)


def _asked(event: Event) -> Question:
    return Question(event.user, (event.item,), event.at_ms)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The event at `place` is its user's first with its item but for views, and says that the user wants it.

    The item is asked for before the event at `asked`: the first view of it, and of the list in which it was seen. What
    was seen is in no list any more (docs/adr/0014), and what was passed over above the item would leave its slots to
    it. Where there was no view, the places are the same.
    """

    place: int
    asked: int


def wanted_in(events: Sequence[Event]) -> list[Wanted]:
    """What users turn out to want, in the order of the events that say so.

    Impressions are of one list if they have the same `rec_id`; without it, if their user did nothing else in between.
    """
    had: set[tuple[str, str]] = set()
    seen: dict[tuple[str, str], int] = {}
    lists: dict[tuple[str, str | int], int] = {}
    did = Counter[str]()
    found = []
    for place, event in enumerate(events):
        pair = (event.user, event.item)
        is_impression = event.type == "view" and event.dwell_ms is None
        if event.rec_id is not None or is_impression:
            first = lists.setdefault((event.user, event.rec_id or did[event.user]), place)
        else:
            first = place
        did[event.user] += not is_impression
        if event.type == "view":
            seen.setdefault(pair, first)
            continue
        if event.is_wanted and pair not in had:
            found.append(Wanted(place, seen.get(pair, place)))
        had.add(pair)
    return found


def by_place(events: Sequence[Event], wanted: Iterable[Wanted]) -> dict[int, list[str]]:
    """The items that are wanted, by the place at which they are asked for."""
    found: dict[int, list[str]] = {}
    for each in wanted:
        found.setdefault(each.asked, []).append(events[each.place].item)
    return found


def _is_left(events: Sequence[Event], place: int, last: Mapping[str, Wanted]) -> bool:
    """Whether an event says what its user's last question asks for: it is of that list, or of the item later on."""
    event, wanted = events[place], last.get(events[place].user)
    if wanted is None or place < wanted.asked:
        return False
    return place <= wanted.place or event.item == events[wanted.place].item
