"""Replays of single partitions. The agents' own reducers compute the state that follows from the log.

`streams.replay.verify` compares the result with the stored state.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from heapq import merge

import msgspec

from features.behaviour import Behaviour
from features.co_choices.choice import LINKING, Choice, Linking
from features.co_choices.neighbours import is_full
from features.item import Item
from features.profile import NEW, Profile
from streams.errors import InvalidEvent, NothingSaid
from streams.interactions.reducer import Effect, parse, reduce, user_of
from streams.items.reducer import ItemEffects
from streams.privacy.control_records import UNSIGNED, ControlRecords, VerifiedRequest
from streams.wire.events import Interaction
from streams.wire.records import Record
from streams.wire.signals import Chosen, Engaged, Reembedded, Worded, parse_signal

# A packed choice takes a quarter of the memory.
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Choice).decode


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
    linking: Linking = LINKING
    events: int = 0
    duplicates: int = 0
    late: int = 0
    requests: int = 0
    #: Offsets of the invalid records, which belong in the dead letters.
    refused: list[int] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)
    last: dict[str, Place] = field(default_factory=dict)
    withdrawn: set[str] = field(default_factory=set)

    def apply(self, record: Record) -> list[Choice]:
        """Apply the next record and return its choice, if it is one: its effect on items."""
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
        return effect.choices(self.linking)

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
    """One partition of state.signals: behaviours from the interactions' choices, items from the signals.

    The content of a choice comes from the replay of the interactions. A signal only determines the order of choices
    from different sources.
    """

    position: int
    effects: ItemEffects = field(default_factory=ItemEffects)
    linking: Linking = LINKING
    #: Whether a signal links items in another way: it was published by the release before, or with other settings.
    links_otherwise: bool = False
    #: Items whose neighbours depend on the order of choices.
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

    def expect(self, choice: Choice) -> None:
        """Queue a choice that follows from the interactions. Choices of one source arrive in order."""
        self._waiting.setdefault(choice.source, deque()).append(_pack(choice))

    def follow(self, record: Record) -> None:
        """Apply the next record of state.signals as the items agent does."""
        self.position = record.offset
        try:
            signal = parse_signal(record.value)
        except InvalidEvent:
            return
        match signal:
            case Chosen(choices=choices, linking=linking):
                self.links_otherwise |= linking != self.linking
                for choice in choices:
                    if self._is_expected(choice):
                        for due in self._due(choice.source, choice.sequence):
                            self._apply(due)
            case Engaged():
                self.links_otherwise = True
            case Worded() | Reembedded():
                self.effects.add_vector(signal)
            case _:
                with suppress(InvalidEvent):
                    self.effects.change(signal)

    def catch_up(self, sources: Mapping[int, int]) -> None:
        """Apply the choices up to these sequences that no signal ordered, in the order of their event times."""
        due = [list(self._due(source, sequence)) for source, sequence in sources.items()]
        for choice in merge(*due, key=lambda each: each.at_ms):
            self._apply(choice)

    def missed(self, upto: Mapping[int, int]) -> int:
        """The number of expected choices up to these sequences, by source, that were not applied."""
        return sum(
            _unpack(packed).sequence <= upto.get(source, -1)
            for source, waiting in self._waiting.items()
            for packed in waiting
        )

    def _is_expected(self, claimed: Choice) -> bool:
        """Whether a signal's choice follows from the interactions; for example, one of a deleted topic does not."""
        for packed in self._waiting.get(claimed.source, ()):
            expected = _unpack(packed)
            if expected.sequence > claimed.sequence:
                return False
            if (expected.sequence, expected.item, expected.at_ms) == (claimed.sequence, claimed.item, claimed.at_ms):
                return True
        return False

    def _due(self, source: int, sequence: int) -> Iterator[Choice]:
        """Remove and return the queued choices of a source up to a sequence."""
        waiting = self._waiting.get(source, deque())
        while waiting and (choice := _unpack(waiting[0])).sequence <= sequence:
            waiting.popleft()
            yield choice

    def _apply(self, choice: Choice) -> None:
        self.effects.choose(choice, self.linking)
        self.effects.link()
        for item in choice.items():
            behaviour = self.behaviours.get(item)
            if behaviour is not None and is_full(behaviour.neighbours):
                self.crowded.add(item)
