"""Where an event belongs: its topic, its key, and the partition that murmur2 gives a key."""

from kafka.partitioner.default import murmur2  # type: ignore[import-untyped]  # ships no types

from sightline_client.events import AppEvent, Interaction, ItemChange, PrivacyRequest, Upload
from sightline_client.topics import INTERACTIONS, ITEMS, PRIVACY, UPLOADS


def route(event: AppEvent) -> tuple[str, str]:
    """The topic (without prefix) and key of an event."""
    match event:
        case Interaction():
            return INTERACTIONS, event.user_id
        case Upload(purpose="query"):
            return UPLOADS, event.user_id
        case Upload():
            return UPLOADS, event.item_id
        case ItemChange():
            return ITEMS, event.item_id
        case PrivacyRequest():
            return PRIVACY, event.user_id


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as Java, kafka-python, aiokafka and librdkafka's murmur2_random choose it.

    >>> partition_of(b"u1", 12)
    4
    """
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
