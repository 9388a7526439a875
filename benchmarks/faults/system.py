"""The system that a fault strikes: topics of its own, workers, load, and a watch on the lists."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass

from benchmarks.faults.fault import Fault, Unmet
from benchmarks.faults.lists import Lists
from benchmarks.faults.services import Services
from benchmarks.faults.supervisor import Supervisor
from benchmarks.faults.traffic import ITEMS, Traffic
from benchmarks.harness.surroundings import draw_items
from deploy.workers import Workers
from state.errors import StateUnavailable
from state.keys import Keys
from state.redis import RedisPartitions, connect
from streams.kafka.admin import create_topics
from streams.kafka.log_reader import KafkaLogReader
from streams.kafka.publisher import KafkaPublisher
from streams.settings import Settings
from streams.wire import topics
from streams.wire.signals import SignalTopic, Uploaded

PARTITIONS = 4
DEADLINE_S = 120.0
#: How long all is well before a fault strikes and after it has passed.
CALM_S = 3.0
_LOOK_S = 0.1


@dataclass(slots=True)
class System:
    """What `Fault.inflict` works with; `minutes` is how long the long faults last."""

    settings: Settings
    services: Services
    workers: Supervisor
    traffic: Traffic
    lists: Lists
    minutes: float

    def topic(self, topic: topics.Topic) -> str:
        """A topic's name here."""
        return self.settings.topic_prefix + topic.name

    def ends(self, topic: topics.Topic = topics.INTERACTIONS) -> dict[int, int]:
        """The offset after the last record of each partition."""
        with closing(KafkaLogReader(self.services.kafka)) as log:
            return {p: log.extent(self.topic(topic), p).end for p in range(self.settings.partitions)}

    def positions(self, topic: topics.Topic = topics.INTERACTIONS) -> dict[int, int]:
        """What Redis says is applied, be it of events.interactions or of state.signals."""
        tag = self.settings.topic_prefix + ("s" if topic is topics.SIGNALS else "")

        async def read() -> dict[int, int]:
            client = connect(self.services.redis)
            try:
                store = RedisPartitions(client, Keys(tag), observe=lambda _op, _seconds: None)
                return await store.positions(range(self.settings.partitions))
            finally:
                await client.aclose()

        return asyncio.run(read())

    def await_stored(self, ends: Mapping[int, int], topic: topics.Topic = topics.INTERACTIONS) -> float:
        """Seconds until Redis holds the effect of everything before `ends`; Unmet after DEADLINE_S."""
        begun = time.monotonic()

        def reached() -> bool:
            positions = self.positions(topic)
            return all(positions[partition] >= end - 1 for partition, end in ends.items())

        self.await_that(reached, f"everything on {topic.name} is stored")
        return time.monotonic() - begun

    def await_lists(self, partitions: set[int], since_s: float) -> float:
        """Seconds from `since_s` (Unix) until each of these partitions had a list; Unmet after DEADLINE_S."""
        found = self.lists.await_each(partitions, since_s, deadline_s=DEADLINE_S)
        if found is None:
            raise Unmet(f"not every one of the partitions {sorted(partitions)} had a list within {DEADLINE_S:.0f} s")
        return found

    def await_that(self, condition: Callable[[], bool], what: str, *, deadline_s: float = DEADLINE_S) -> None:
        """Return when the condition holds; Unmet after `deadline_s`."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            # A Redis that is coming back is no answer.
            with suppress(StateUnavailable):
                if condition():
                    return
            time.sleep(_LOOK_S)
        raise Unmet(f"not within {deadline_s:.0f} s: {what}")


@contextmanager
def running(fault: Fault, settings: Settings, services: Services, *, rate: float, minutes: float) -> Iterator[System]:
    """The system under load, for one fault; on leaving the load has ended, and so have all workers."""
    own = settings.model_copy(update={"topic_prefix": f"{fault.name}.", "partitions": PARTITIONS})
    create_topics(services.kafka, own.topic_prefix, own.partitions, services.replication)
    asyncio.run(_publish_items(services.kafka, own))
    events, answers = (own.topic_prefix + topic.name for topic in (topics.INTERACTIONS, topics.RECOMMENDATIONS))
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
            system = System(own, services, workers, traffic, lists, minutes)
            # Everyone has partitions and is at work before anything is judged.
            traffic.publish(int(rate))
            system.await_stored(system.ends())
            traffic.start()
            yield system
        finally:
            traffic.stop()


async def _publish_items(kafka: str, settings: Settings) -> None:
    """A catalogue, as the uploads agent would make it."""
    signals = SignalTopic(settings.topic_prefix, settings.partitions)
    publisher = KafkaPublisher(kafka, client_id="faults")
    try:
        await publisher.publish([signals.message(Uploaded(item)) for item in draw_items(ITEMS, settings.dimensions)])
    finally:
        await publisher.close()
