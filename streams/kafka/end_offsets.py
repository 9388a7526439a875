"""The offsets up to which partitions may be read, asked for on a connection apart from any consumer's."""

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from faust.types import TP
from kafka import TopicPartition  # type: ignore[import-untyped]  # ships no types
from kafka.admin import OffsetSpec  # type: ignore[import-untyped]

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.kafka.admin_client import TIMEOUT_S, AdminConnection


class EndOffsets:
    """Reads end offsets in a thread of its own, so that a slow broker does not hold up the event loop; `close` it."""

    def __init__(self, bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> None:
        self._connection = AdminConnection(bootstrap, security=security)
        self._bootstrap = bootstrap
        # kafka-python's clients are not thread-safe: one thread makes, uses and closes this one.
        self._thread = ThreadPoolExecutor(1, "end-offsets")

    async def read(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The offset where each partition's first open transaction begins, or its end where none is open.

        Raises BrokerUnavailable after TIMEOUT_S.
        """
        if not partitions:
            return {}
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, partitions)
        except TimeoutError as error:
            raise BrokerUnavailable.no_answer(self._bootstrap, error) from error

    async def close(self) -> None:
        """Disconnect, once a request under way has ended."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)

    def _read(self, partitions: Collection[TP]) -> dict[TP, int]:
        latest = {TopicPartition(tp.topic, tp.partition): OffsetSpec.LATEST for tp in partitions}
        found = self._connection.call(lambda client: client.list_partition_offsets(latest, "read_committed"))
        return {TP(*partition): each.offset for partition, each in found.items()}
