"""When the lists of each partition were made, as a subscriber sees it."""

import threading
import time
from collections import defaultdict

from confluent_kafka import Consumer, TopicPartition


class Lists:
    """Reads `recommendations` in a thread of its own from `start` to `stop`."""

    def __init__(self, kafka: str, topic: str, partitions: int) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": kafka, "group.id": "faults", "enable.auto.commit": False, "log_level": 0}
        )
        self._consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        self._made_ms: defaultdict[int, list[int]] = defaultdict(list)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lists", daemon=True)

    def start(self) -> None:
        """Read from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()
        self._thread.join()
        self._consumer.close()

    def first_after(self, partition: int, since_s: float) -> float | None:
        """When (Unix seconds) the first list of a partition was made after `since_s`; None when none was."""
        return next((made / 1000 for made in list(self._made_ms[partition]) if made / 1000 > since_s), None)

    def await_each(self, partitions: set[int], since_s: float, *, deadline_s: float) -> float | None:
        """Seconds from `since_s` (Unix) until each of these partitions had a list; None after `deadline_s`."""
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            found = [self.first_after(partition, since_s) for partition in partitions]
            times = [each for each in found if each is not None]
            if len(times) == len(partitions):
                return max(times, default=since_s) - since_s
            time.sleep(0.05)
        return None

    def _run(self) -> None:
        while not self._ended.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            partition = message.partition()
            assert partition is not None
            self._made_ms[partition].append(message.timestamp()[1])
