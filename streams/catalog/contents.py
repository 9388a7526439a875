"""What the items of state.catalog are now: its last record of each counts."""

from collections.abc import Callable
from typing import TypeVar

from features.item import Item
from state.codec import decode_item
from streams.kafka.log_reader import LogReader
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG

T = TypeVar("T")


def read_items(
    log: LogReader, namespace: Namespace, partitions: int, choose: Callable[[Item], T | None]
) -> dict[str, T]:
    """What is wanted of each item, by id; items of which nothing is wanted (None) are left out.

    Only what was chosen is in memory. Raises BrokerUnavailable and StateCorrupt.
    """
    topic, found = namespace.topic(CATALOG), dict[str, T]()
    for partition in range(partitions):
        extent = log.extent(topic, partition)
        for record in log.read(topic, partition, extent.first, extent.end):
            found.pop((record.key or b"").decode(errors="replace"), None)
            item = None if record.value is None else decode_item(record.value)
            chosen = None if item is None else choose(item)
            if item is not None and chosen is not None:
                found[item.item_id] = chosen
    return found
