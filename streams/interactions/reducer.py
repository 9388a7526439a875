"""From an event to the action that a profile sees."""

from features.item import key_of
from features.profile import Action, weigh
from streams.wire.events import Interaction
from streams.wire.parsing import clamp_time
from streams.wire.records import Record


def to_action(event: Interaction, record: Record) -> Action:
    """The action of an event: its ids as keys, one weight, its time clamped by the broker's."""
    return Action(
        event=key_of(event.event_id),
        item=key_of(event.item_id),
        weight=weigh(event.type, rating=event.rating, dwell_ms=event.dwell_ms),
        at_ms=clamp_time(event.occurred_at_ms, record.timestamp_ms),
    )
