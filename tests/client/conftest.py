"""A worker to publish to and to read from, with one Kafka for all."""

from collections.abc import Iterator

import msgspec
import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from sightline_client import Interaction, Recommendations, Trigger, encode
from streams.kafka.admin import create_topics
from streams.wire.namespace import Namespace
from tests.conftest import RunningStack

PARTITIONS = 4


def click(user: str = "u1", event: str = "c-1") -> Interaction:
    return Interaction(event_id=event, type="click", user_id=user, item_id="i9", occurred_at_ms=0)


def feed(user: str, seq: int, **changes: object) -> Recommendations:
    made = Recommendations(
        rec_id=f"r-{seq}",
        user_id=user,
        seq=seq,
        kind="feed",
        generated_at_ms=0,
        trigger=Trigger(event_id="c-1", type="click", item_id="i9", occurred_at_ms=0),
        items=[],
        filtered={},
        degraded=[],
        model={},
        timings_ms={},
    )
    return msgspec.structs.replace(made, **changes)


class Worker:
    """Writes to the topic of lists as a worker does."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap, self.prefix = bootstrap, prefix
        self._producer = KafkaProducer(bootstrap_servers=bootstrap)

    def write(self, user: str, value: bytes | None) -> None:
        self._producer.send(f"{self.prefix}recommendations", key=user.encode(), value=value).get(20)

    def send(self, *lists: Recommendations) -> None:
        for one in lists:
            self.write(one.user_id, encode(one))

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def worker(stack: RunningStack, topic_prefix: str) -> Iterator[Worker]:
    create_topics(stack.endpoints.kafka, Namespace(topic_prefix), PARTITIONS, 1)
    made = Worker(stack.endpoints.kafka, topic_prefix)
    yield made
    made.close()
