"""The offsets up to which partitions may be read, asked for on a connection apart from any consumer's."""

from collections.abc import Collection

from faust.types import TP
from kafka import TopicPartition  # type: ignore[import-untyped]  # ships no types
from kafka.admin import OffsetSpec  # type: ignore[import-untyped]

from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.kafka.admin_client import AdminThread


class EndOffsets:
    """Reads end offsets in a thread of its own, so that a slow broker does not hold up the event loop; `close` it."""

    def __init__(self, bootstrap: str, *, security: KafkaSecurity = PLAINTEXT) -> None:
        self._admin = AdminThread(bootstrap, "end-offsets", security=security)

    async def read(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The offset where each partition's first open transaction begins, or its end where none is open.

        Raises BrokerUnavailable, see AdminThread.
        """
        if not partitions:
            return {}
        latest = {TopicPartition(tp.topic, tp.partition): OffsetSpec.LATEST for tp in partitions}
        found = await self._admin.call(lambda client: client.list_partition_offsets(latest, "read_committed"))
        return {TP(*partition): each.offset for partition, each in found.items()}

    async def close(self) -> None:
        """Disconnect, once a request under way has ended."""
        await self._admin.close()
