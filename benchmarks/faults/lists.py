"""When the lists of each partition come, as a subscriber sees it."""

import time
from collections import defaultdict
from contextlib import closing

from confluent_kafka import Consumer, TopicPartition

from benchmarks.harness.watch import Watch


class Lists(Watch):
    """Reads `recommendations` as long as it is entered; all times are Unix seconds."""

    def __init__(self, kafka: str, topic: str, partitions: int) -> None:
        super().__init__()
        self._consumer = Consumer(
            {"bootstrap.servers": kafka, "group.id": "faults", "enable.auto.commit": False, "log_level": 0}
        )
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        #: By partition, when each list was made and when it came.
        self._seen: defaultdict[int, list[tuple[float, float]]] = defaultdict(list)

    def came_since(self, since_s: float) -> bool:
        """Whether any list came after `since_s`."""
        return any(came > since_s for seen in list(self._seen.values()) for _, came in seen[-1:])

    def await_each(self, partitions: set[int], since_s: float, *, deadline_s: float) -> float | None:
        """Seconds from `since_s` until a list of each of these partitions had come that was made after it; or None."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            found = [self._first_made_after(partition, since_s) for partition in partitions]
            times = [each for each in found if each is not None]
            if len(times) == len(partitions):
                return max(times, default=since_s) - since_s
            time.sleep(0.05)
        return None

    def _first_made_after(self, partition: int, since_s: float) -> float | None:
        """When it came."""
        return next((came for made, came in list(self._seen[partition]) if made > since_s), None)

    def _watch(self) -> None:
        with closing(self._consumer):
            while not self._ended.is_set():
                message = self._consumer.poll(0.1)
                if message is None or message.error() is not None:
                    continue
                partition = message.partition()
                assert partition is not None
                self._seen[partition].append((message.timestamp()[1] / 1000, time.time()))
