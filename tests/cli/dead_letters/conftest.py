"""Two dead letters, as an agent writes them."""

import pytest
from kafka import KafkaProducer  # type: ignore[import-untyped]  # ships no types

from streams.errors import InvalidEvent
from streams.processing.dead_letters import dead_letter
from streams.wire.namespace import Namespace
from streams.wire.records import Record
from tests.cli.conftest import Run
from tests.conftest import RunningStack

SECRET = "anna@example.org"


@pytest.fixture
def refused(stack: RunningStack, topic_prefix: str, command: Run) -> None:
    """Two messages were refused: one with an unknown type and what a terminal obeys, one without a key."""
    unknown = Record(
        f"{topic_prefix}events.interactions",
        1,
        8,
        1_767_268_800_000,
        b"u1",
        b'{"type":"\x1b[31mteleport"}',
        (("h", b"\x07"),),
    )
    no_key = Record(f"{topic_prefix}events.items", 2, 9, 1_767_268_800_000, None, SECRET.encode())
    errors = InvalidEvent("unknown_type", f"Invalid enum value '{SECRET}'"), InvalidEvent("no_key", "no key")
    producer = KafkaProducer(bootstrap_servers=stack.endpoints.kafka)
    for record, error in zip((unknown, no_key), errors, strict=True):
        letter = dead_letter(record, error, namespace=Namespace(topic_prefix))
        producer.send(letter.topic, value=letter.value, key=letter.key, partition=3)
    producer.close()
