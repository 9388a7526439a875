"""Counts the rebalances of a consumer group; a group that rebalances continually makes no progress."""

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from benchmarks.harness.watch import Watch

_INTERVAL_S = 0.5
_TIMEOUT_S = 5.0


class GroupWatch(Watch):
    """A context manager; `changes` counts how often the members or their partitions changed."""

    def __init__(self, kafka: str, group: str) -> None:
        super().__init__()
        self._admin = AdminClient({"bootstrap.servers": kafka, "log_level": 0})
        self._group = group
        self.changes = 0

    def _watch(self) -> None:
        known = None
        while not self._ended.wait(_INTERVAL_S):
            try:
                found = self._admin.describe_consumer_groups([self._group])[self._group].result(_TIMEOUT_S)
            except (KafkaException, TimeoutError):
                continue
            members = frozenset(
                (member.member_id, frozenset(map(str, member.assignment.topic_partitions))) for member in found.members
            )
            if known is not None and members != known:
                self.changes += 1
            known = members
