"""Starts and ends the system for one fault: topics, a catalogue, workers and load."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.faults.fault import Fault
from benchmarks.faults.lists import Lists
from benchmarks.faults.services import Services
from benchmarks.faults.supervisor import Supervisor
from benchmarks.faults.system import System
from benchmarks.faults.traffic import ITEMS, Traffic
from benchmarks.harness.catalogue import draw_items
from deploy.workers import Workers
from streams.kafka.admin import create_topics
from streams.kafka.publisher import KafkaPublisher
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace
from streams.wire.signals import SignalTopic, Uploaded

PARTITIONS = 4


@contextmanager
def running(fault: Fault, settings: Settings, services: Services, *, rate: float, minutes: float) -> Iterator[System]:
    """Start a system under load for one fault; the load and all workers end on leaving."""
    own = settings.model_copy(update={"topic_prefix": f"{fault.name}.", "partitions": PARTITIONS})
    create_topics(services.kafka, Namespace(own.topic_prefix), own.partitions, services.replication)
    asyncio.run(_publish_items(services.kafka, own))
    events, answers = (
        Namespace(own.topic_prefix).topic(topic) for topic in (topics.INTERACTIONS, topics.RECOMMENDATIONS)
    )
    traffic = Traffic(services.kafka, events, rate=rate)
    with (
        Supervisor(Workers(own, services.seen_by_workers)) as workers,
        Lists(services.kafka, answers, own.partitions) as lists,
    ):
        try:
            workers.start("items")
            for number in range(1, fault.interactions + 1):
                workers.start("interactions", number)
            for number in range(1, fault.uploads + 1):
                workers.start("uploads", number)
            for number in range(1, fault.learning + 1):
                workers.start("learning", number)
            system = System(own, services, workers, traffic, lists, minutes)
            # All workers have partitions and work before the fault strikes.
            traffic.publish(int(rate))
            system.await_stored(system.ends())
            traffic.start()
            yield system
        finally:
            traffic.stop()


async def _publish_items(kafka: str, settings: Settings) -> None:
    """Publish a catalogue as the uploads agent does."""
    signals = SignalTopic(Namespace(settings.topic_prefix), settings.partitions)
    publisher = KafkaPublisher(kafka, client_id="faults")
    try:
        await publisher.publish([signals.message(Uploaded(item)) for item in draw_items(ITEMS, settings.dimensions)])
    finally:
        await publisher.close()
