"""Replays of single partitions. The agents' own reducers compute the state that follows from the log.

`streams.replay.verify` compares the result with the stored state.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge

import msgspec

from features.behaviour import NEIGHBOURS_LIMIT, Behaviour, Engagement
from features.item import Item
from features.ledger import WEIGHT_LIMIT
from features.profile import NEW, Profile
from streams.errors import InvalidEvent, NothingSaid
from streams.interactions.reducer import Effect, parse, reduce, user_of
from streams.items.reducer import ItemEffects
from streams.privacy.control_records import UNSIGNED, ControlRecords, VerifiedRequest
from streams.wire.events import Interaction
from streams.wire.records import Record
from streams.wire.signals import Engaged, parse_signal

# A packed engagement takes a quarter of the memory.
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Engagement).decode


@dataclass(frozen=True, slots=True)
class Place:
    """The offset of a record in its partition, and its broker time (Unix ms)."""

    offset: int
    at_ms: int


@dataclass(slots=True)
class InteractionsReplay:
    """One partition of events.interactions: the profiles at `position`, and the place of each user's last event.

    A user who withdrew the list and did nothing since has no last event and is in `withdrawn`.
    """

    position: int
    control_records: ControlRecords = UNSIGNED
    events: int = 0
    duplicates: int = 0
    late: int = 0
    requests: int = 0
    #: Offsets of the invalid records, which belong in the dead letters.
    refused: list[int] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)
    last: dict[str, Place] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    def apply(self, record: Record) -> list[Engagement]:
        """Apply the next record and return its engagements: its effect on items."""
        self.position = record.offset
        event = parse(record, self.control_records)
        user = user_of(event)
        effect = reduce(record, event, self.profiles.get(user, NEW))
        self._count(effect)
        if effect.after is not effect.before:
            self.profiles[user] = effect.after
        if effect.wants_list:
            self.last[user] = Place(record.offset, record.timestamp_ms)
            self.withdrawn.discard(user)
        if effect.withdraws_list:
            self.last.pop(user, None)
            self.withdrawn.add(user)
        return effect.engagements()

    def _count(self, effect: Effect) -> None:
        match effect.event:
            case NothingSaid():
                pass
            case InvalidEvent():
                self.refused.append(effect.record.offset)
            case VerifiedRequest():
                self.requests += effect.outcome == "applied"
            case Interaction():
                self.events += 1
                self.late += effect.outcome == "late"
                self.duplicates += effect.outcome == "duplicate"


@dataclass(slots=True)
class SignalsReplay:
    """One partition of state.signals: behaviours from the interactions' engagements, items from the signals.

    The content of an engagement comes from the replay of the interactions. A signal only determines the order of
    engagements from different sources.
    """

    position: int
    effects: ItemEffects = field(default_factory=ItemEffects)
    #: Items whose neighbours depend on the order of engagements: a neighbour was removed, or a weight was capped.
    crowded: set[int] = field(default_factory=set)
    _waiting: dict[int, deque[bytes]] = field(default_factory=dict)

    @property
    def behaviours(self) -> dict[int, Behaviour]:
        """The behaviours so far, by item key."""
        return self.effects.behaviours

    @property
    def items(self) -> dict[str, Item]:
        """The items so far, by id."""
        return self.effects.items

    def expect(self, engagement: Engagement) -> None:
        """Queue an engagement that follows from the interactions. Engagements of one source arrive in order."""
        self._waiting.setdefault(engagement.source, deque()).append(_pack(engagement))

    def follow(self, record: Record) -> None:
        """Apply the next record of state.signals as the items agent does."""
        self.position = record.offset
        try:
            signal = parse_signal(record.value)
        except InvalidEvent:
            return
        match signal:
            case Engaged(engagements=engagements):
                for engagement in engagements:
                    if self._is_expected(engagement):
                        for due in self._due(engagement.source, engagement.sequence):
                            self._apply(due)
            case _:
                self.effects.change(signal)

    def catch_up(self, sources: Mapping[int, int]) -> None:
        """Apply the engagements up to these sequences that no signal ordered, in the order of their event times."""
        due = [list(self._due(source, sequence)) for source, sequence in sources.items()]
        for engagement in merge(*due, key=lambda each: each.at_ms):
            self._apply(engagement)

    def missed(self, upto: Mapping[int, int]) -> int:
        """The number of expected engagements up to these sequences, by source, that were not applied."""
        return sum(
            _unpack(packed).sequence <= upto.get(source, -1)
            for source, waiting in self._waiting.items()
            for packed in waiting
        )

    def _is_expected(self, claimed: Engagement) -> bool:
        """Whether a signal's engagement follows from the interactions; for example, one of a deleted topic does not."""
        for packed in self._waiting.get(claimed.source, ()):
            expected = _unpack(packed)
            if expected.sequence > claimed.sequence:
                return False
            if (expected.sequence, expected.item, expected.at_ms) == (claimed.sequence, claimed.item, claimed.at_ms):
                return True
        return False

    def _due(self, source: int, sequence: int) -> Iterator[Engagement]:
        """Remove and return the queued engagements of a source up to a sequence."""
        waiting = self._waiting.get(source, deque())
        while waiting and (engagement := _unpack(waiting[0])).sequence <= sequence:
            waiting.popleft()
            yield engagement

    def _apply(self, engagement: Engagement) -> None:
        self.effects.engage(engagement)
        neighbours = self.behaviours[engagement.item].neighbours
        if len(neighbours) >= NEIGHBOURS_LIMIT or (neighbours["weight"] >= WEIGHT_LIMIT).any():
            self.crowded.add(engagement.item)
