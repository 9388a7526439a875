"""Reads the newest steps of a topic, from its end backwards: what is read when time is up is the newest of all."""

from bisect import bisect_left
from collections.abc import Callable
from heapq import merge
from operator import attrgetter
from typing import Final

from streams.kafka.continuity import Log
from streams.kafka.log_reader import Extent, LogReader
from streams.wire.records import Record
from streams.wire.steps import count_steps

#: Records of the first block that is read of a partition; each block is twice as long as the one behind it.
_FIRST_BLOCK: Final = 64

_time: Callable[[Record], int] = attrgetter("timestamp_ms")


class _Tail:
    """The records of one partition from `first` to the end of its extent."""

    def __init__(self, topic: str, partition: int, extent: Extent) -> None:
        self._topic, self._partition, self._extent = topic, partition, extent
        self._block = _FIRST_BLOCK
        self.first = extent.end
        self.records: list[Record] = []
        #: The number of steps of each record.
        self._counts: list[int] = []

    @property
    def is_whole(self) -> bool:
        """Whether nothing before it is left."""
        return self.first <= self._extent.first

    @property
    def oldest_ms(self) -> float:
        """From when on it has every record."""
        if self.is_whole:
            return float("-inf")
        return self.records[0].timestamp_ms if self.records else float("inf")

    def read_back(self, log: LogReader) -> None:
        """Read one more block; raises BrokerUnavailable."""
        end, self.first = self.first, max(self.first - self._block, self._extent.first)
        self._block *= 2
        found = list(log.read(self._topic, self._partition, self.first, end))
        self.records = found + self.records
        self._counts = [count_steps(record.value) for record in found] + self._counts

    def count_since(self, since_ms: float) -> int:
        """How many steps it has from a time on."""
        return sum(self._counts[bisect_left(self.records, since_ms, key=_time) :])


def read_latest(log: LogReader, topic: Log, limit: int, is_late: Callable[[], bool] = lambda: False) -> list[Record]:
    """The newest records of a topic that hold `limit` steps together, oldest first; fewer once it `is_late`.

    The order is that of time, and within a partition that of the log. Raises BrokerUnavailable.
    """
    tails = [_Tail(topic.topic, partition, extent) for partition, extent in sorted(topic.extents.items())]
    while not is_late():
        last = max(tails, key=attrgetter("oldest_ms"), default=None)
        if last is None or last.is_whole or sum(each.count_since(last.oldest_ms) for each in tails) >= limit:
            break
        last.read_back(log)
    since_ms = max((tail.oldest_ms for tail in tails if tail.records), default=0.0)
    records = list(merge(*(tail.records for tail in tails), key=_time))
    return _newest([each for each in records if each.timestamp_ms >= since_ms], limit)


def _newest(records: list[Record], limit: int) -> list[Record]:
    first = len(records)
    while first and limit > 0:
        first -= 1
        limit -= count_steps(records[first].value)
    return records[first:]
