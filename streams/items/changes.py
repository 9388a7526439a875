"""Consumes item changes: checks them and passes them on to state.signals, where each item has one writer and one order.

The extra hop prevents every race between a picture and a price (docs/adr/0007).
"""

from features.item import Change
from streams.errors import NothingSaid
from streams.kafka.publisher import Publisher
from streams.processing.breaker import Breaker
from streams.processing.relay import Relay
from streams.processing.unknown_fields import note_unknown_fields
from streams.wire.events import ItemChange
from streams.wire.item_changes import change_of
from streams.wire.namespace import Namespace
from streams.wire.parsing import is_tombstone, parse_item_change, time_said
from streams.wire.records import Message, Record
from streams.wire.signals import Changed, SignalTopic, item_id_of
from streams.wire.topics import ITEMS


def item_changes_agent(publisher: Publisher, signals: SignalTopic, breaker: Breaker, *, namespace: Namespace) -> Relay:
    """Return the agent that handles events.items."""

    def pass_on(record: Record) -> tuple[str, Message]:
        if is_tombstone(record):
            return "tombstone", signals.message(_deletion(record))
        return "change", signals.message(_parse(record))

    return Relay(ITEMS, pass_on, publisher, breaker, namespace=namespace)


def _deletion(record: Record) -> Changed:
    """What a record without a value says of the item of its key."""
    item_id = item_id_of(record.key)
    if item_id is None:
        raise NothingSaid("tombstone", "the message has no value, and its key is no item_id")
    return Changed(item_id, Change(record.timestamp_ms, deleted=True))


def _parse(record: Record) -> Changed:
    event = parse_item_change(record)
    unknown = note_unknown_fields(record, ItemChange)
    change = change_of(event, time_said(event.occurred_at_ms, record.timestamp_ms))
    if not change.says():
        raise NothingSaid("unknown_field" if unknown else "empty", "the change has no field that is known")
    return Changed(event.item_id, change)
