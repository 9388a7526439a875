"""Arrival times of the lists of each partition, as a subscriber sees them."""

import time
from collections import defaultdict
from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from benchmarks.harness.watch import Watch


class Lists(Watch):
    """A context manager that reads `recommendations`; all times are Unix seconds."""

    def __init__(self, kafka: str, topic: str, partitions: int) -> None:
        super().__init__()
        self._consumer = Consumer(
            {"bootstrap.servers": kafka, "group.id": "faults", "enable.auto.commit": False, "log_level": 0}
        )
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        #: By partition: when each list was made and when it arrived.
        self._seen: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)

    def came_since(self, since_s: float) -> bool:
        """Whether any list arrived after `since_s`."""
        return any(arrived > since_s for seen in list(self._seen.values()) for _, arrived in seen[-1:])

    def await_each(self, partitions: set[int], since_s: float, *, deadline_s: float) -> float | None:
        """Seconds from `since_s` until each partition has a list that was made after it; None past the deadline."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            found = [self._first_made_after(partition, since_s) for partition in partitions]
            times = [each for each in found if each is not None]
            if len(times) == len(partitions):
                return max(times, default=since_s) - since_s
            time.sleep(0.05)
        return None

    def _first_made_after(self, partition: int, since_s: float) -> float | None:
        """The arrival of the first list made after `since_s`; None if there is none."""
        return next((arrived for made, arrived in list(self._seen[partition]) if made > since_s), None)

    def _watch(self) -> None:
        with closing(self._consumer):
            while not self._ended.is_set():
                message = self._consumer.poll(0.1)
                if message is None or message.error() is not None:
                    continue
                partition = message.partition()
                assert partition is not None
                self._seen[partition].append((message.timestamp()[1] / 1000, time.time()))
