"""The dead letters of the running system."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.local import Stack
from streams.credentials import kafka_security
from streams.kafka.log_reader import KafkaLogReader
from streams.processing.redrive import Choice, Letters
from streams.settings import Settings
from streams.wire.namespace import Namespace


@contextmanager
def open_letters(settings: Settings) -> Iterator[Letters]:
    """The topic as it is now."""
    log = KafkaLogReader(Stack(settings).endpoints().kafka, security=kafka_security(settings))
    try:
        yield Letters(log, namespace=Namespace(settings.topic_prefix), partitions=settings.partitions)
    finally:
        log.close()


def choice_of(reason: str | None, topic: str | None, age_ms: int | None) -> Choice:
    """The letters with a reason, from a topic and not older than an age; None stands for any."""
    since_ms = None if age_ms is None else time.time_ns() // 1_000_000 - age_ms
    return Choice(reason, topic, since_ms)
