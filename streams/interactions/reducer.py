"""The only reducer of events.interactions records to user profiles.

The agent, the rebuild, the verification and the test harness all use it, so each of them computes the same profile
from the same log.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from features.behaviour import user_bit
from features.co_choices.choice import Choice, Linking, choice_of, is_chosen
from features.item import key_of
from features.privacy import ERASING, apply_request
from features.profile import NEW, Action, Outcome, Profile, apply_interaction, most_of, weigh
from streams.errors import InvalidEvent
from streams.privacy.control_records import ControlRecords, VerifiedRequest
from streams.wire.cloud_events import event_key
from streams.wire.events import Interaction
from streams.wire.parsing import clamp_time, parse_interaction
from streams.wire.records import Record
from streams.wire.steps import FORGOTTEN, Step
from streams.wire.upload_header import place_of

#: The parsed content of a record; InvalidEvent if the record belongs in the dead letters.
Parsed: TypeAlias = Interaction | VerifiedRequest | InvalidEvent


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of one record: its user's profile `before` and `after` it. An invalid record has no user."""

    record: Record
    event: Parsed
    before: Profile
    after: Profile
    outcome: Outcome | Literal["invalid"]
    #: The interaction as a profile action; None for other records.
    action: Action | None = None

    @property
    def user_id(self) -> str:
        """The id of the profile's user; empty for an invalid record."""
        return user_of(self.event)

    @property
    def wants_list(self) -> bool:
        """Whether the record causes a list. A user who opted out also gets one: trending, popular and new items."""
        return isinstance(self.event, Interaction) and self.outcome in ("applied", "opted_out")

    @property
    def withdraws_list(self) -> bool:
        """Whether the record is an erasing request that takes effect, so the user's list is withdrawn."""
        event = self.event
        return isinstance(event, VerifiedRequest) and event.control.type in ERASING and self.outcome == "applied"

    @property
    def _concerns_items(self) -> bool:
        """Whether other users' lists learn something from it.

        An upload says what its uploader likes, and nothing more: it is in the order of a shop's files, and comes before
        anybody could choose the item (docs/adr/0068).
        """
        return self.outcome == "applied" and self.action is not None and not self.action.is_upload

    def choices(self, linking: Linking) -> list[Choice]:
        """Return the record's choice, if it is one. Computed on demand, so lists do not wait for it."""
        if self.action is None or not self._concerns_items:
            return []
        bit = user_bit(key_of(self.user_id))
        place = self.record.partition, self.record.offset
        return [choice_of(self.before, self.action, *place, bit, window=linking.window)]

    def steps(self) -> list[tuple[int, Step]]:
        """Return the record's step, if it is one, with its partition: what its user chose, or that it is forgotten."""
        if self.withdraws_list:
            item = FORGOTTEN
        elif self.action is not None and self._concerns_items and is_chosen(self.action):
            item = self.action.item
        else:
            return []
        record = self.record
        return [(record.partition, (record.offset, record.timestamp_ms, key_of(self.user_id), item))]


def parse(record: Record, control_records: ControlRecords) -> Parsed:
    """Parse a record; InvalidEvent is returned, not raised."""
    try:
        return parse_interaction(record)
    except InvalidEvent as error:
        return control_records.read(record) or error


def user_of(event: Parsed) -> str:
    """Return the id of the user whose profile an event concerns; empty for an invalid event."""
    return "" if isinstance(event, InvalidEvent) else event.user_id


def reduce(record: Record, event: Parsed, before: Profile) -> Effect:
    """Apply one record to the profile of its user."""
    match event:
        case InvalidEvent():
            return Effect(record, event, before, before, "invalid")
        case VerifiedRequest():
            step = apply_request(before, event.request)
            return Effect(record, event, before, step.profile, step.outcome)
        case Interaction():
            action = _to_action(event, record)
            step = apply_interaction(before, action)
            return Effect(record, event, before, step.profile, step.outcome, action)


def reduce_all(parsed: Iterable[tuple[Record, Parsed]], profiles: Mapping[str, Profile]) -> Iterator[Effect]:
    """Apply records in order, each to the profile that the user's previous record left.

    `profiles` has every user of a valid record: one that is missing is a bug, and must not begin a NEW profile.
    """
    latest: dict[str, Profile] = {}
    for record, event in parsed:
        user = user_of(event)
        before = NEW if isinstance(event, InvalidEvent) else latest.get(user) or profiles[user]
        effect = reduce(record, event, before)
        latest[user] = effect.after
        yield effect


def changed_profiles(effects: Iterable[Effect]) -> dict[str, Profile]:
    """Return the profiles that these effects changed, by user."""
    return {effect.user_id: effect.after for effect in effects if effect.after is not effect.before}


def lists_due(effects: Sequence[Effect]) -> list[tuple[Profile, tuple[Record, Interaction]]]:
    """Return each user's last interaction that causes a list, with the user's profile after all effects.

    A user who withdraws the list afterwards is left out.
    """
    due: dict[str, tuple[Record, Interaction]] = {}
    for effect in effects:
        if effect.wants_list and isinstance(effect.event, Interaction):
            due[effect.user_id] = effect.record, effect.event
        elif effect.withdraws_list:
            due.pop(effect.user_id, None)
    latest = {effect.user_id: effect.after for effect in effects} if due else {}
    return [(latest[user], cause) for user, cause in due.items()]


def _to_action(event: Interaction, record: Record) -> Action:
    return Action(
        event=event_key(event),
        item=key_of(event.item_id),
        weight=weigh(event.type, rating=event.rating, dwell_ms=event.dwell_ms, duration_ms=event.duration_ms),
        at_ms=clamp_time(event.occurred_at_ms, record.timestamp_ms),
        most=most_of(event.type, dwell_ms=event.dwell_ms),
        upload=place_of(record) if event.type == "upload" else None,
        is_upload=event.type == "upload",
    )
