"""Keeps the catalogue in the worker's memory up to date: reads all partitions of state.catalog, in no group.

It starts where the last snapshot ends, or at the beginning of the topic (docs/operations.md).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from features.item import Item
from inference.catalog.catalog import Catalog
from state.codec import decode_item
from state.errors import StateCorrupt
from streams.catalog.snapshots import Snapshots
from streams.credentials import PLAINTEXT, KafkaSecurity
from streams.errors import BrokerUnavailable
from streams.kafka.admin import read_log
from streams.kafka.following import follower, started
from streams.logs import log
from streams.metrics import CATALOG_ITEMS, CATALOG_LAG, UPLOAD_TO_SEARCHABLE
from streams.processing.background import end, failure_of

#: Items applied before other work gets its turn: each costs 0.2 to 0.5 ms, also among many.
_SLICE = 4
#: The same at the start, when there is no other work: enough for all cores to add.
_SLICE_AT_START = 4096
_FETCH_RECORDS = 2000
_FETCH_RECORDS_AT_START = 16_384
#: The longest time that the last snapshot of a worker may take.
_LAST_SNAPSHOT_S = 5.0


class CatalogReplica:
    """Feeds a Catalog; `start` returns when it has applied all that the topic held at that moment.

    A catalogue without an encoder gets that of most items.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        catalog: Catalog,
        *,
        snapshots: Snapshots | None = None,
        security: KafkaSecurity = PLAINTEXT,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._clock_ms = clock_ms
        self._bootstrap = bootstrap
        self._security = security
        self._topic = topic
        self._catalog = catalog
        self._chooses_encoder = catalog.pictures.encoder is None
        self._snapshots = snapshots
        self._task: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._running = AsyncExitStack()
        #: The next offset to apply, by partition: also behind offsets that hold no record.
        self._applied: dict[int, int] = {}
        self.caught_up = False

    async def start(self) -> None:
        """Read the topic to its end, then go on in the background; raises BrokerUnavailable."""
        self._catalog.advance(self._clock_ms())
        offsets = await self._load()
        self._consumer = follower(
            self._bootstrap,
            self._topic,
            security=self._security,
            max_partition_fetch_bytes=4 << 20,
        )
        try:
            await self._running.enter_async_context(started(self._consumer))
            for partition, offset in offsets.items():
                self._consumer.seek(TopicPartition(self._topic, partition), offset)
            await self._catch_up()
            await self._choose_encoder()
            self.caught_up = True
        except UnknownTopicOrPartitionError as error:
            raise BrokerUnavailable.no_topic(self._topic) from error
        except KafkaError as error:
            raise BrokerUnavailable.no_answer(self._bootstrap, error) from error
        finally:
            if not self.caught_up:
                await self._running.aclose()
        self._task = asyncio.create_task(self._tail(), name="catalogue replica")

    @property
    def failure(self) -> BaseException | None:
        """The unexpected error that ended the replica; the process must end, too."""
        return failure_of(self._task) or failure_of(self._writing)

    async def stop(self) -> None:
        """Stop reading; the catalogue keeps its contents."""
        if self._task is not None:
            await end(self._task)
            await self._write_last_snapshot()
        await self._running.aclose()

    async def _load(self) -> dict[int, int]:
        """Fill the catalogue from a snapshot; the offsets to read on from, by partition."""
        if self._snapshots is None:
            return {}
        found = await asyncio.to_thread(read_log, self._bootstrap, self._topic, security=self._security)
        return await asyncio.to_thread(self._snapshots.load, self._catalog, found)

    async def _catch_up(self) -> None:
        ends = await self._consumer.end_offsets(self._consumer.assignment())
        while any([await self._consumer.position(tp) < end for tp, end in ends.items()]):
            await self._read(_FETCH_RECORDS_AT_START, _SLICE_AT_START)
        await self._note_places()

    async def _choose_encoder(self) -> None:
        """Read the topic again where most items have another encoder than the first record."""
        encoder = self._catalog.prevailing_encoder()
        if self._chooses_encoder and encoder != self._catalog.pictures.encoder:
            log.info("catalogue_encoder", serves=encoder, instead_of=self._catalog.pictures.encoder)
            self._catalog.pictures.encoder = encoder
            await self._consumer.seek_to_beginning()
            await self._catch_up()

    async def _tail(self) -> None:
        while True:
            try:
                await self._read(_FETCH_RECORDS, _SLICE)
            except KafkaError as error:
                log.warning("catalogue_read_failed", error=str(error))
                await asyncio.sleep(1.0)
            if self._snapshots is not None and self._snapshots.is_due(self._catalog):
                self._writing = asyncio.create_task(self._snapshots.write(self._catalog, self._applied))

    async def _write_last_snapshot(self) -> None:
        await end(self._writing)
        if self._snapshots is not None and self._snapshots.is_worth(self._catalog) and self.failure is None:
            await self._snapshots.write(self._catalog, self._applied, patience_s=_LAST_SNAPSHOT_S)

    async def _read(self, limit: int, at_once: int) -> None:
        found = await self._consumer.getmany(timeout_ms=200, max_records=limit)
        records = [record for batch in found.values() for record in batch]
        for start in range(0, len(records), at_once):
            self._apply(records[start : start + at_once])
            await asyncio.sleep(0)
        places = await self._note_places()
        self._catalog.advance(self._clock_ms())
        counts = self._catalog.counts()
        CATALOG_ITEMS.labels("searchable").set(counts.searchable)
        CATALOG_ITEMS.labels("unavailable").set(counts.unavailable)
        CATALOG_ITEMS.labels("other_encoder").set(counts.other_encoder)
        CATALOG_ITEMS.labels("no_vector").set(counts.no_vector)
        CATALOG_LAG.set(sum(max((self._consumer.last_stable_offset(tp) or 0) - at, 0) for tp, at in places.items()))

    async def _note_places(self) -> dict[TopicPartition, int]:
        """The consumer's positions, up to which everything is applied."""
        places = {tp: await self._consumer.position(tp) for tp in self._consumer.assignment()}
        self._applied.update({tp.partition: place for tp, place in places.items()})
        return places

    def _apply(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        changes: list[tuple[str, Item | None]] = []
        uploaded: list[Item] = []
        for record in records:
            self._applied[record.partition] = record.offset + 1
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
        if self._snapshots is not None:
            self._snapshots.changes += len(records)
        now_ms = self._clock_ms()
        for item in uploaded:
            UPLOAD_TO_SEARCHABLE.observe(max(now_ms - item.uploaded_at_ms, 0) / 1000)

    def _is_new(self, item: Item) -> bool:
        """Whether a picture comes with this record."""
        if not item.uploaded_at_ms:
            return False
        row = self._catalog.row_of(item.item_id)
        return row is None or int(self._catalog.uploaded_ms[row]) != item.uploaded_at_ms
