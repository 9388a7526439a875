"""Lists out: what feed services read with."""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Literal, Self

import msgspec
from kafka import KafkaConsumer, TopicPartition  # type: ignore[import-untyped]  # ships no types

from sightline_client.connection import CONNECT_MS, connecting
from sightline_client.errors import BrokerUnavailable
from sightline_client.latest import LatestLists
from sightline_client.lists import Recommendations
from sightline_client.login import addresses_of
from sightline_client.parsing import UNREADABLE
from sightline_client.routing import partition_of
from sightline_client.security import PLAINTEXT, KafkaSecurity
from sightline_client.topics import RECOMMENDATIONS

REMEMBERED_LISTS: Final = 100_000


class RecommendationSubscriber:
    """Reads refreshed lists, newest only: a list older than one already given for its user is dropped.

    Without a group every instance reads every list from the end of the topic as it was at construction
    (or from the beginning); with a group the instances share the partitions and resume where they stopped.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        prefix: str = "",
        user_id: str | None = None,
        kind: Literal["feed", "similar"] | None = None,
        group: str | None = None,
        from_beginning: bool = False,
        security: KafkaSecurity = PLAINTEXT,
    ) -> None:
        self._user_id = user_id
        self._kind = kind
        self._latest = LatestLists(REMEMBERED_LISTS)
        self._decoder = msgspec.json.Decoder(Recommendations)
        self._closed = False
        self._joined: list[Recommendations] = []
        self.undecodable = 0
        with connecting(bootstrap, security):
            self._consumer: Any = KafkaConsumer(
                bootstrap_servers=addresses_of(bootstrap),
                group_id=group,
                auto_offset_reset="earliest" if from_beginning else "latest",
                enable_auto_commit=group is not None,
                allow_auto_create_topics=False,
                isolation_level="read_committed",
                bootstrap_timeout_ms=CONNECT_MS,
                # A quiet partition must not hold up a busy one for the default of half a second.
                fetch_max_wait_ms=50,
                metrics_enabled=False,
                **security.python_options(),
            )
        try:
            with connecting(bootstrap, security):
                self._start(prefix + RECOMMENDATIONS, group, from_beginning)
        except BaseException:
            self.close()
            raise

    def poll(self, timeout_s: float) -> list[Recommendations]:
        """The lists that have arrived, waiting up to `timeout_s` for the first; never raises for a bad one."""
        deadline = time.monotonic() + timeout_s
        fresh, self._joined = self._joined, []
        while not fresh:
            left = deadline - time.monotonic()
            fresh = self._take(self._consumer.poll(timeout_ms=max(0, int(left * 1000))))
            if left <= 0:
                break
        return fresh

    def __iter__(self) -> Iterator[Recommendations]:
        while not self._closed:
            yield from self.poll(1.0)

    def close(self) -> None:
        """Disconnect; a group's position is committed first."""
        self._closed = True
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, topic: str, group: str | None, from_beginning: bool) -> None:
        partitions = self._consumer.partitions_for_topic(topic)
        if not partitions:
            raise BrokerUnavailable.no_topic(topic)
        if group is not None:
            self._consumer.subscribe([topic])
            self._join()
            return
        wanted = partitions
        if self._user_id is not None:
            wanted = {partition_of(self._user_id.encode(), len(partitions))}
        assigned = [TopicPartition(topic, partition) for partition in sorted(wanted)]
        self._consumer.assign(assigned)
        if from_beginning:
            self._consumer.seek_to_beginning(*assigned)
        else:
            self._consumer.seek_to_end(*assigned)
        self._resolve()

    def _join(self) -> None:
        """Wait for this member's partitions (none, if the group has more members than partitions)."""
        deadline = time.monotonic() + CONNECT_MS / 1000
        while not self._consumer.assignment() and time.monotonic() < deadline:
            self._joined += self._take(self._consumer.poll(timeout_ms=100))
        self._resolve()

    def _resolve(self) -> None:
        """Ask for the positions now: "the end" must mean the end at construction, not at the first poll."""
        for partition in self._consumer.assignment():
            self._consumer.position(partition)

    def _take(self, records: dict[Any, list[Any]]) -> list[Recommendations]:
        fresh = []
        for record in (record for batch in records.values() for record in batch):
            lists = self._decode(record.value)
            if lists is not None and self._wanted(lists) and self._latest.accept(lists):
                fresh.append(lists)
        return fresh

    def _decode(self, value: bytes | None) -> Recommendations | None:
        if value is None:
            return None
        try:
            return self._decoder.decode(value)
        except UNREADABLE:
            self.undecodable += 1
            return None

    def _wanted(self, lists: Recommendations) -> bool:
        return (self._user_id is None or lists.user_id == self._user_id) and (
            self._kind is None or lists.kind == self._kind
        )
