"""What the log leads to, and nothing else: the agents' own pure functions, applied to one partition after the other.

The oracle (`streams.replay.verify`) holds the result against what is stored.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge

import msgspec

from features.behaviour import NEIGHBOURS_LIMIT, UNKNOWN, Behaviour, Engagement, apply_engagement, engagements, user_bit
from features.item import Item, apply_change, apply_upload, key_of
from features.ledger import WEIGHT_LIMIT
from features.privacy import ERASING, apply_request, is_repeated
from features.profile import NEW, Profile, apply_interaction, is_applied, is_late
from streams.errors import InvalidEvent
from streams.interactions.reducer import to_action
from streams.privacy.control_records import UNSIGNED, ControlRecords, VerifiedRequest
from streams.wire.parsing import parse_interaction
from streams.wire.records import Record
from streams.wire.signals import Changed, Engaged, Uploaded, parse_signal

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
    controls: ControlRecords = UNSIGNED
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
        try:
            event = parse_interaction(record)
        except InvalidEvent:
            if (asked := self.controls.read(record)) is not None:
                self._grant(asked)
            else:
                self.refused.append(record.offset)
            return []
        self.events += 1
        before = self.profiles.get(event.user_id, NEW)
        action = to_action(event, record)
        if is_late(before, action):
            self.late += 1
            return []
        if is_applied(before, action):
            self.duplicates += 1
            return []
        self.profiles[event.user_id] = apply_interaction(before, action)
        self.last[event.user_id] = Place(record.offset, record.timestamp_ms)
        self.withdrawn.discard(event.user_id)
        if before.privacy.opted_out:
            return []
        bit = user_bit(key_of(event.user_id))
        return engagements(before, action, source=record.partition, offset=record.offset, user_bit=bit)

    def _grant(self, asked: VerifiedRequest) -> None:
        before = self.profiles.get(asked.user_id, NEW)
        if is_repeated(before, asked.request):
            return
        self.requests += 1
        if asked.control.type == "export":
            return
        self.profiles[asked.user_id] = apply_request(before, asked.request)
        if asked.control.type in ERASING:
            self.last.pop(asked.user_id, None)
            self.withdrawn.add(asked.user_id)


@dataclass(slots=True)
class SignalsReplay:
    """One partition of state.signals: behaviours from the interactions' engagements, items from the signals.

    What a signal says of an engagement counts only as its turn among those of other sources: what it is comes from the
    interactions.
    """

    position: int
    behaviours: dict[int, Behaviour] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    #: Items of which another order could have left other neighbours: something was pushed out, or a weight was capped.
    crowded: set[int] = field(default_factory=set)
    _waiting: dict[int, deque[bytes]] = field(default_factory=dict)

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
            case Uploaded(item=item):
                self.items[item.item_id] = apply_upload(self.items.get(item.item_id), item)
            case Changed(item_id=item_id, change=change):
                self.items[item_id] = apply_change(self.items.get(item_id), item_id, change)

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
        behaviour = apply_engagement(self.behaviours.get(engagement.item, UNKNOWN), engagement)
        self.behaviours[engagement.item] = behaviour
        neighbours = behaviour.neighbours
        if len(neighbours) >= NEIGHBOURS_LIMIT or (neighbours["weight"] >= WEIGHT_LIMIT).any():
            self.crowded.add(engagement.item)
