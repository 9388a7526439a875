"""Consumes item changes: checks them and passes them on to state.signals, where each item has one writer and one order.

The extra hop prevents every race between a picture and a price (docs/adr/0007).
"""

from features.item import Change
from streams.kafka.publisher import Publisher
from streams.processing.breaker import Breaker
from streams.processing.relay import Relay
from streams.wire.namespace import Namespace
from streams.wire.parsing import clamp_time, parse_item_change
from streams.wire.records import Message, Record
from streams.wire.signals import Changed, SignalTopic
from streams.wire.topics import ITEMS


def item_changes_agent(publisher: Publisher, signals: SignalTopic, breaker: Breaker, *, namespace: Namespace) -> Relay:
    """Return the agent that handles events.items."""

    def pass_on(record: Record) -> tuple[str, Message]:
        return "change", signals.message(_parse(record))

    return Relay(ITEMS, pass_on, publisher, breaker, namespace=namespace)


def _parse(record: Record) -> Changed:
    event = parse_item_change(record)
    change = Change(
        at_ms=clamp_time(event.occurred_at_ms, record.timestamp_ms),
        title=event.title,
        description=event.description,
        category=event.category,
        price=event.price,
        in_stock=event.in_stock,
        hidden=event.hidden,
        deleted=event.deleted,
    )
    return Changed(event.item_id, change)
