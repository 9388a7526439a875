"""Keeps the catalogue in the worker's memory up to date: tails state.catalog, all partitions, in no group."""

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from features.item import Item
from inference.catalog import Catalog
from state.codec import decode_item
from state.errors import StateCorrupt
from streams.errors import BrokerUnavailable
from streams.logs import log
from streams.metrics import CATALOG_ITEMS, CATALOG_LAG, UPLOAD_TO_SEARCHABLE
from streams.security import PLAINTEXT, KafkaSecurity

#: Items applied before other work gets its turn: an add costs about 0.1 ms.
_SLICE = 32
_FETCH_RECORDS = 2000
#: Also how long a topic that does not exist is waited for.
_TIMEOUT_MS = 15_000


class CatalogReplica:
    """Feeds a Catalog; `start` returns when it has caught up with what the topic held at that moment."""

    def __init__(self, bootstrap: str, topic: str, catalog: Catalog, *, security: KafkaSecurity = PLAINTEXT) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._topic = topic
        self._catalog = catalog
        self._task: asyncio.Task[None] | None = None
        self.caught_up = False

    async def start(self) -> None:
        """Read the topic to its end, then go on in the background; raises BrokerUnavailable."""
        self._consumer = AIOKafkaConsumer(
            self._topic,
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 << 20,
            request_timeout_ms=_TIMEOUT_MS,
            **self._security.python_options(),
        )
        try:
            await self._catch_up()
        except UnknownTopicOrPartitionError as error:
            raise BrokerUnavailable.no_topic(self._topic) from error
        except KafkaError as error:
            raise BrokerUnavailable.no_answer(self._bootstrap, error) from error
        finally:
            if not self.caught_up:
                await self._consumer.stop()
        self._task = asyncio.create_task(self._tail(), name="catalogue replica")

    @property
    def failure(self) -> BaseException | None:
        """The error that nobody foresaw and that ended the replica; the process must end, too."""
        task = self._task
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

    async def stop(self) -> None:
        """End; the catalogue keeps what it has."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._consumer.stop()

    async def _catch_up(self) -> None:
        await self._consumer.start()
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        while any([await self._consumer.position(tp) < end for tp, end in ends.items()]):
            await self._read()
        self.caught_up = True

    async def _tail(self) -> None:
        while True:
            try:
                await self._read()
            except KafkaError as error:
                log.warning("catalogue_read_failed", error=str(error))
                await asyncio.sleep(1.0)

    async def _read(self) -> None:
        found = await self._consumer.getmany(timeout_ms=200, max_records=_FETCH_RECORDS)
        records = [record for batch in found.values() for record in batch]
        for start in range(0, len(records), _SLICE):
            self._apply(records[start : start + _SLICE])
            await asyncio.sleep(0)
        counts = self._catalog.counts()
        CATALOG_ITEMS.labels("searchable").set(counts.searchable)
        CATALOG_ITEMS.labels("unavailable").set(counts.unavailable)
        CATALOG_ITEMS.labels("other_encoder").set(counts.other_encoder)
        partitions = self._consumer.assignment()
        highwaters = [(self._consumer.highwater(tp) or 0, await self._consumer.position(tp)) for tp in partitions]
        CATALOG_LAG.set(sum(max(end - position, 0) for end, position in highwaters))

    def _apply(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        changes: list[tuple[str, Item | None]] = []
        uploaded: list[Item] = []
        for record in records:
            try:
                item = None if record.value is None else decode_item(record.value)
                item_id = (record.key or b"").decode()
            except (StateCorrupt, UnicodeDecodeError) as error:
                log.error("catalogue_record_unreadable", offset=record.offset, error=str(error))
                continue
            changes.append((item_id, item))
            if item is not None and self.caught_up and self._is_new(item):
                uploaded.append(item)
        self._catalog.apply(changes)
        now_ms = time.time_ns() // 1_000_000
        for item in uploaded:
            UPLOAD_TO_SEARCHABLE.observe(max(now_ms - item.uploaded_at_ms, 0) / 1000)

    def _is_new(self, item: Item) -> bool:
        row = self._catalog.row_of(item.item_id)
        return row is None or int(self._catalog.uploaded_ms[row]) != item.uploaded_at_ms
