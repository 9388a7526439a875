"""Reads the item ids of the catalogue, and removes items from it."""

import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from cli.arrivals import Arrivals
from cli.output import progress
from sightline_client.connection import connecting
from streams.client import EventPublisher
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.wire.events import ItemChange
from streams.wire.topics import CATALOG

CONNECT_S = 10.0


def catalog_keys(bootstrap: str, topic: str, *, security: KafkaSecurity = PLAINTEXT) -> set[str]:
    """The ids of all items that are not deleted; raises BrokerUnavailable."""
    config: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "group.id": "sightline-catalog-keys",  # required by the client; nothing is committed under it
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "log_level": 2,
        **security.librdkafka_options(),
    }
    with connecting(bootstrap, security):
        consumer = Consumer(config)
    try:
        return _read(consumer, topic)
    except KafkaException as error:
        raise BrokerUnavailable.no_answer(bootstrap, error) from None
    finally:
        consumer.close()


def remove_items(kafka: str, prefix: str, item_ids: Iterable[str], *, security: KafkaSecurity = PLAINTEXT) -> None:
    """Delete items from the catalogue, and wait up to 20 s until they are gone."""
    with (
        Arrivals(kafka, [prefix + CATALOG.name], security=security) as arrivals,
        EventPublisher(kafka, prefix=prefix, security=security) as publisher,
    ):
        gone = []
        for item_id in item_ids:
            gone.append(arrivals.expect(item_id))
            now_ms = time.time_ns() // 1_000_000
            event_id = f"remove-{secrets.token_hex(8)}"
            publisher.publish(ItemChange(event_id=event_id, occurred_at_ms=now_ms, item_id=item_id, deleted=True))
        deadline = time.monotonic() + 20
        with suppress(TimeoutError):
            for future in gone:
                future.result(max(0.0, deadline - time.monotonic()))
            return
    progress("some items could not be removed from the catalogue: is the items worker running?")


def _read(consumer: Consumer, topic: str) -> set[str]:
    unfinished = set(consumer.list_topics(topic, timeout=CONNECT_S).topics[topic].partitions)
    if not unfinished:
        raise BrokerUnavailable.no_topic(topic)
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in unfinished])
    keys: set[str] = set()
    while unfinished:
        record = consumer.poll(CONNECT_S)
        if record is None:
            raise BrokerUnavailable(f"reading {topic} stalled for {CONNECT_S:.0f} s: see whether Kafka is healthy")
        if (error := record.error()) is not None:
            if error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            unfinished.discard(record.partition())
            continue
        key = (record.key() or b"").decode(errors="replace")
        if record.value() is None:
            keys.discard(key)
        else:
            keys.add(key)
    return keys
