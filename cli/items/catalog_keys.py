"""Reads the item ids of the catalogue, and removes items from it."""

import secrets
import time
from collections.abc import Iterable
from contextlib import closing, suppress

from cli.arrivals import Arrivals
from cli.output import progress
from streams.client import EventPublisher
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.kafka.admin import read_log
from streams.kafka.log_reader import KafkaLogReader
from streams.wire.events import ItemChange
from streams.wire.namespace import Namespace
from streams.wire.topics import CATALOG


def catalog_keys(bootstrap: str, topic: str, *, security: KafkaSecurity = PLAINTEXT) -> set[str]:
    """The item ids whose last record is not a tombstone; raises BrokerUnavailable."""
    keys: set[str] = set()
    extents = read_log(bootstrap, topic, security=security).extents
    with closing(KafkaLogReader(bootstrap, security=security)) as log:
        for partition, extent in extents.items():
            for record in log.read(topic, partition, extent.first, extent.end):
                key = (record.key or b"").decode(errors="replace")
                (keys.discard if record.value is None else keys.add)(key)
    return keys


def remove_items(kafka: str, prefix: str, item_ids: Iterable[str], *, security: KafkaSecurity = PLAINTEXT) -> None:
    """Delete items from the catalogue, and wait up to 20 s until they are gone. Their ids may be uploaded again."""
    with (
        Arrivals(kafka, [Namespace(prefix).topic(CATALOG)], security=security) as arrivals,
        EventPublisher(kafka, prefix=prefix, security=security) as publisher,
    ):
        gone = []
        for item_id in item_ids:
            gone.append(arrivals.expect(item_id))
            for deleted in (True, False):
                publisher.publish(
                    ItemChange(
                        event_id=f"remove-{secrets.token_hex(8)}",
                        occurred_at_ms=time.time_ns() // 1_000_000,
                        item_id=item_id,
                        deleted=deleted,
                    )
                )
        deadline = time.monotonic() + 20
        with suppress(TimeoutError):
            for future in gone:
                future.result(max(0.0, deadline - time.monotonic()))
            return
    progress("not all items could be removed from the catalogue again: is the items worker running?")
