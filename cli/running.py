"""Starts what a command needs of the system, and stops it afterwards."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cli.output import progress
from deploy.local import Endpoints, Stack
from deploy.workers import ALL, WorkerName, Workers
from streams.credentials import kafka_security
from streams.kafka.admin import create_topics
from streams.settings import Settings
from streams.wire.namespace import Namespace


@contextmanager
def running_system(
    settings: Settings, *, keep: bool = False, workers: Sequence[WorkerName] = ALL
) -> Iterator[Endpoints]:
    """All services, topics and one worker of each of these kinds, ready; with `keep` they run on afterwards."""
    stack = Stack(settings, progress=progress)
    if keep:
        endpoints = stack.up()
        _create_topics(settings, endpoints)
        Workers(settings, endpoints, progress=progress).start_all(workers)
        yield endpoints
        return
    with stack.borrowed() as endpoints:
        _create_topics(settings, endpoints)
        with Workers(settings, endpoints, progress=progress).borrowed(workers):
            yield endpoints


@contextmanager
def running_stores(settings: Settings) -> Iterator[Endpoints]:
    """Kafka with the topics, and Redis: for a command that reads what is stored, and asks no worker."""
    with Stack(settings, progress=progress).borrowed(("kafka", "redis")) as endpoints:
        _create_topics(settings, endpoints)
        yield endpoints


def _create_topics(settings: Settings, endpoints: Endpoints) -> None:
    made = create_topics(
        endpoints.kafka,
        Namespace(settings.topic_prefix),
        settings.partitions,
        settings.replication_factor,
        security=kafka_security(settings),
    )
    if made.created:
        progress(f"topics: {len(made.created)} created")


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends what is in here as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
