"""What a benchmark runs in: services of its own, a catalogue and users drawn at random."""

import asyncio
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from deploy.local import Endpoints, Stack
from deploy.service import Progress, ServiceName
from features.item import Item
from state.codec import encode_item
from streams.kafka.publisher import KafkaPublisher, Message
from streams.settings import Settings

CLUSTERS = 20
#: How far an item lies from the centre of its cluster, which has length 1.
SPREAD = 0.7
#: What is published at a pace goes out in such groups.
_TOGETHER = 10


@contextmanager
def own_stack(
    settings: Settings,
    progress: Progress,
    *,
    services: Sequence[ServiceName] = ("kafka", "redis"),
    models: Path | None = None,
) -> Iterator[tuple[Settings, Endpoints]]:
    """Services for one benchmark, whatever else runs; ended, with their data, however it ends."""
    with TemporaryDirectory(prefix="sightline-bench-") as home:
        own = settings.on_this_machine().model_copy(update={"home": Path(home), "tools": settings.tools.resolve()})
        with Stack(own, models=models, progress=progress).borrowed(services) as endpoints:
            yield own, endpoints


def draw_items(count: int, dimensions: int, *, seed: int = 0, first: int = 0) -> list[Item]:
    """A catalogue in clusters, as pictures of kinds of things would make it; the same seed gives the same one.

    Items are numbered from `first`.
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
    """Put items on a catalogue topic, as the items agent does; so many a second."""
    asyncio.run(_publish(kafka, [Message(topic, item.item_id.encode(), encode_item(item)) for item in items], rate))


async def _publish(kafka: str, messages: Sequence[Message], rate: float) -> None:
    publisher = KafkaPublisher(kafka, client_id="bench")
    together = len(messages) if math.isinf(rate) else _TOGETHER
    begun = time.monotonic()
    try:
        for start in range(0, len(messages), max(together, 1)):
            await asyncio.sleep(begun + start / rate - time.monotonic())
            await publisher.publish(messages[start : start + together])
    finally:
        await publisher.close()
