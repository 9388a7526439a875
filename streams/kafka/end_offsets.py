"""How far topics reach now, asked for apart from any consumer."""

import asyncio
from collections.abc import Collection
from functools import cached_property

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is exported, but not so
from faust.types import TP

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable

TIMEOUT_S = 5.0


class EndOffsets:
    """Asks Kafka on a connection of its own, which is made when it is first needed."""

    def __init__(self, bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> None:
        self._bootstrap = bootstrap
        self._security = security

    async def read(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The offset after the last record of each partition; raises BrokerUnavailable after TIMEOUT_S."""
        if not partitions:
            return {}
        asked = {TopicPartition(tp.topic, tp.partition): tp for tp in partitions}
        wanted = {partition: OffsetSpec.latest() for partition in asked}  # type: ignore[no-untyped-call]  # no types
        futures = self._admin.list_offsets(wanted, request_timeout=TIMEOUT_S)
        try:
            found = await asyncio.gather(*map(asyncio.wrap_future, futures.values()))
        except KafkaException as error:
            raise BrokerUnavailable.no_answer(self._bootstrap, error) from error
        return {asked[partition]: each.offset for partition, each in zip(futures, found, strict=True)}

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient(
            {"bootstrap.servers": self._bootstrap, "log_level": 0, **self._security.librdkafka_options()}
        )
