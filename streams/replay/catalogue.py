"""What a record of state.catalog says of its item, for those who make a state from it."""

from features.item import Change, Item, apply_change
from state.codec import decode_item
from streams.items.agent import RESTORED
from streams.wire.records import Record


def catalogue_item(record: Record) -> Item:
    """The item of a catalogue record. A tombstone gives a deleted or restored item, as the items worker stores it."""
    if record.value is not None:
        return decode_item(record.value)
    item = Item((record.key or b"").decode(), changed_at_ms=record.timestamp_ms, deleted=True)
    if any(name == RESTORED for name, _ in record.headers):
        return apply_change(item, item.item_id, Change(record.timestamp_ms, deleted=False))
    return item
