"""A random catalogue, and its publication."""

import asyncio
import math
import time
from collections.abc import Sequence

import numpy as np

from features.item import Item
from state.codec import encode_item
from streams.kafka.publisher import KafkaPublisher
from streams.wire.records import Message

CLUSTERS = 20
#: Distance of an item from the centre of its cluster, which has length 1.
SPREAD = 0.7
#: Items that are published together when the rate is limited.
_BATCH = 10


def draw_items(count: int, dimensions: int, *, seed: int = 0, first: int = 0) -> list[Item]:
    """Random items whose unit embeddings form clusters, as pictures of kinds of things do.

    The same seed gives the same embeddings; item ids are numbered from `first`.
    """
    random = np.random.default_rng(seed)
    centres = random.standard_normal((CLUSTERS, dimensions)) / np.sqrt(dimensions)
    clusters = random.integers(CLUSTERS, size=count)
    vectors = centres[clusters] + SPREAD * random.standard_normal((count, dimensions)) / np.sqrt(dimensions)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    now_ms = time.time_ns() // 1_000_000
    return [
        Item(
            item_id=f"item-{number}",
            changed_at_ms=now_ms,
            owner=f"seller-{number % 97}",
            uploaded_at_ms=now_ms - number,
            category=f"kind-{cluster}",
            embeddings={"drawn@1": vector.astype("<f2").tobytes()},
        )
        for number, (cluster, vector) in enumerate(zip(clusters.tolist(), vectors, strict=True), first)
    ]


def publish_items(kafka: str, topic: str, items: Sequence[Item], *, rate: float = math.inf) -> None:
    """Publish items to a catalogue topic as the items agent does, `rate` a second."""
    asyncio.run(_publish(kafka, [Message(topic, item.item_id.encode(), encode_item(item)) for item in items], rate))


async def _publish(kafka: str, messages: Sequence[Message], rate: float) -> None:
    publisher = KafkaPublisher(kafka, client_id="bench")
    batch = len(messages) if math.isinf(rate) else _BATCH
    begun = time.monotonic()
    try:
        for start in range(0, len(messages), max(batch, 1)):
            await asyncio.sleep(begun + start / rate - time.monotonic())
            await publisher.publish(messages[start : start + batch])
    finally:
        await publisher.close()
