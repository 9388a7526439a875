"""Counts the rebalances of a consumer group; a group that rebalances continually makes no progress."""

from contextlib import closing

from benchmarks.harness.watch import Watch
from streams.errors import BrokerUnavailable
from streams.kafka.admin_client import AdminConnection
from streams.kafka.groups import read_group

_LOOK_S = 0.5


class GroupWatch(Watch):
    """A context manager; `changes` counts how often the members or their partitions changed."""

    def __init__(self, kafka: str, group: str) -> None:
        super().__init__()
        self._kafka = kafka
        self._group = group
        self.changes = 0

    def _watch(self) -> None:
        known = None
        with closing(AdminConnection(self._kafka)) as connection:
            while not self._ended.wait(_LOOK_S):
                try:
                    members = read_group(connection, self._group).members
                except BrokerUnavailable:
                    continue
                if known is not None and members != known:
                    self.changes += 1
                known = members
