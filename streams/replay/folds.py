"""The state that the log leads to: the agents' own reducers, applied to one partition after the other.

`streams.replay.verify` compares the result with what is stored.
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
from streams.errors import InvalidEvent
from streams.interactions.reducer import Effect, parse, reduce, user_of
from streams.items.reducer import ItemEffects
from streams.privacy.control_records import UNSIGNED, ControlRecords, VerifiedRequest
from streams.wire.events import Interaction
from streams.wire.records import Record
from streams.wire.signals import Engaged, parse_signal

# Packed, an engagement takes a quarter of the memory.
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Engagement).decode


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record lies in its partition, and the broker's time of it."""

    offset: int
    at_ms: int


@dataclass(slots=True)
class InteractionsReplay:
    """One partition of events.interactions: the profiles after `position`, and the place of each user's last event.

    A user who took the list back, and did nothing since, has no last event and is among the `withdrawn`.
    """

    position: int
    control_records: ControlRecords = UNSIGNED
    events: int = 0
    duplicates: int = 0
    late: int = 0
    requests: int = 0
    #: Offsets of the records that belong into the dead letters.
    refused: list[int] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)
    last: dict[str, Place] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    def apply(self, record: Record) -> list[Engagement]:
        """Apply the next record; what it means for the items in it."""
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

    What a signal says of an engagement counts only as its turn among those of other sources: what it is comes from the
    interactions.
    """

    position: int
    effects: ItemEffects = field(default_factory=ItemEffects)
    #: Items of which another order could have left other neighbours: something was pushed out, or a weight was capped.
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
        """An engagement that follows from the interactions; those of one source come in order."""
        self._waiting.setdefault(engagement.source, deque()).append(_pack(engagement))

    def follow(self, record: Record) -> None:
        """Apply the next record of state.signals as the items agent does."""
        self.position = record.offset
        try:
            signal = parse_signal(record.value)
        except InvalidEvent:
            return
        match signal:
            case Engaged(engagements=told):
                for engagement in told:
                    if self._expects(engagement):
                        for due in self._due(engagement.source, engagement.sequence):
                            self._apply(due)
            case _:
                self.effects.change(signal)

    def catch_up(self, sources: Mapping[int, int]) -> None:
        """Apply what no signal told the turn of, up to these sequences, by the time of the events."""
        due = [list(self._due(source, sequence)) for source, sequence in sources.items()]
        for engagement in merge(*due, key=lambda each: each.at_ms):
            self._apply(engagement)

    def missed(self, upto: Mapping[int, int]) -> int:
        """How many of the expected engagements up to these sequences are not applied."""
        return sum(
            _unpack(packed).sequence <= upto.get(source, -1)
            for source, waiting in self._waiting.items()
            for packed in waiting
        )

    def _expects(self, told: Engagement) -> bool:
        """Whether it follows from the interactions: one of a topic that is no more, say, does not."""
        for packed in self._waiting.get(told.source, ()):
            expected = _unpack(packed)
            if expected.sequence > told.sequence:
                return False
            if (expected.sequence, expected.item, expected.at_ms) == (told.sequence, told.item, told.at_ms):
                return True
        return False

    def _due(self, source: int, sequence: int) -> Iterator[Engagement]:
        waiting = self._waiting.get(source, deque())
        while waiting and (engagement := _unpack(waiting[0])).sequence <= sequence:
            waiting.popleft()
            yield engagement

    def _apply(self, engagement: Engagement) -> None:
        self.effects.engage(engagement)
        neighbours = self.behaviours[engagement.item].neighbours
        if len(neighbours) >= NEIGHBOURS_LIMIT or (neighbours["weight"] >= WEIGHT_LIMIT).any():
            self.crowded.add(engagement.item)
