"""The system that a fault strikes: its workers, its load, and a watch on its lists."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass

from benchmarks.faults.lists import Lists
from benchmarks.faults.outcome import Unmet
from benchmarks.faults.services import Services
from benchmarks.faults.supervisor import Supervisor
from benchmarks.faults.traffic import Traffic
from state.errors import StateUnavailable
from state.redis import RedisPartitions, connect
from streams.kafka.log_reader import KafkaLogReader
from streams.settings import Settings
from streams.wire import topics
from streams.wire.namespace import Namespace

PARTITIONS = 4
DEADLINE_S = 120.0
#: Time without trouble before a fault and after it.
CALM_S = 3.0
_INTERVAL_S = 0.1


@dataclass(slots=True)
class System:
    """The argument of `Fault.inflict`; `minutes` is the duration of the long faults."""

    settings: Settings
    services: Services
    workers: Supervisor
    traffic: Traffic
    lists: Lists
    minutes: float

    def topic(self, topic: topics.Topic) -> str:
        """The full name of a topic."""
        return Namespace(self.settings.topic_prefix).topic(topic)

    def ends(self, topic: topics.Topic = topics.INTERACTIONS) -> dict[int, int]:
        """The offset after the last record of each partition."""
        with closing(KafkaLogReader(self.services.kafka)) as log:
            partitions = range(topic.count(self.settings.partitions))
            return {p: log.extent(self.topic(topic), p).end for p in partitions}

    def positions(self, topic: topics.Topic = topics.INTERACTIONS) -> dict[int, int]:
        """The last applied offset of each partition, as stored in Redis; for events.interactions or state.signals."""
        namespace = Namespace(self.settings.topic_prefix)
        keys = namespace.item_keys if topic is topics.SIGNALS else namespace.profile_keys

        async def read() -> dict[int, int]:
            client = connect(self.services.redis)
            try:
                store = RedisPartitions(client, keys, observe=lambda _op, _seconds: None)
                return await store.positions(range(self.settings.partitions))
            finally:
                await client.aclose()

        return asyncio.run(read())

    def await_stored(self, ends: Mapping[int, int], topic: topics.Topic = topics.INTERACTIONS) -> float:
        """Seconds until Redis holds the effect of all records before `ends`; Unmet after DEADLINE_S."""
        begun = time.monotonic()

        def reached() -> bool:
            positions = self.positions(topic)
            return all(positions[partition] >= end - 1 for partition, end in ends.items())

        self.await_that(reached, f"everything on {topic.name} is stored")
        return time.monotonic() - begun

    def await_lists(self, partitions: set[int], since_s: float) -> float:
        """Seconds from `since_s` (Unix) until each of these partitions has a new list; Unmet after DEADLINE_S."""
        found = self.lists.await_each(partitions, since_s, deadline_s=DEADLINE_S)
        if found is None:
            raise Unmet(f"some of the partitions {sorted(partitions)} had no new list within {DEADLINE_S:.0f} s")
        return found

    def await_that(self, condition: Callable[[], bool], what: str, *, deadline_s: float = DEADLINE_S) -> None:
        """Return when the condition holds; Unmet after `deadline_s`."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            # Redis may still be starting.
            with suppress(StateUnavailable):
                if condition():
                    return
            time.sleep(_INTERVAL_S)
        raise Unmet(f"after {deadline_s:.0f} s this is still not true: {what}")
