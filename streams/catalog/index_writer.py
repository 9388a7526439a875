"""Keeps the shared index up to date with state.catalog (docs/adr/0010): one writer for each partition."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from features.item import Item, key_of
from state.codec import decode_item
from state.errors import StateCorrupt, StateUnavailable
from state.partitions import START
from state.vector_sets import NOWHERE, Indexed, Place, VectorSets
from streams.errors import BrokerUnavailable
from streams.kafka.continuity import Log
from streams.kafka.log_reader import Extent
from streams.logs import log
from streams.processing.commit_protocol import CommitProtocol, Committed
from streams.processing.positions import Positions
from streams.retrying import until_available
from streams.wire.records import Record, by_partition, events_of
from streams.wire.topics import TOMBSTONES_KEPT_MS

#: Records indexed in one step, during which Redis serves nobody else.
STEP = 16


class IndexAgent:
    """Applies micro-batches of state.catalog by the protocol of docs/adr/0002: the position is stored with the effect.

    The topic is compacted: all of it can be read again at any time, and is read again where the index is outdated.
    """

    def __init__(
        self,
        sets: VectorSets,
        positions: Positions,
        read_log: Callable[[], Awaitable[Log]],
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._sets = sets
        self._positions = positions
        self._protocol = CommitProtocol(positions)
        self._read_log = read_log
        self._clock_ms = clock_ms
        self._topic_id: str | None = None

    async def take_up(self, partitions: Sequence[int]) -> dict[int, int]:
        """Where to start in partitions that were assigned; outdated shards are cleared. Raises StateUnavailable."""
        topic = await until_available(self._read_log, BrokerUnavailable)
        self._topic_id = topic.topic_id
        places = await self._sets.places(partitions)
        outdated = [p for p, place in places.items() if self._is_outdated(place, topic.topic_id, topic.extents[p])]
        for shard in sorted({self._sets.shard_of(partition) for partition in outdated}):
            log.warning("index_made_anew", shard=shard)
            await self._sets.clear(shard, topic.extents)
        held = await self.positions(partitions)
        self._positions.loaded(held)
        return held

    async def positions(self, partitions: Sequence[int]) -> dict[int, int]:
        """The last offset indexed of each partition. Raises StateUnavailable."""
        return self._held(await self._sets.places(partitions))

    async def handle(self, records: Sequence[Record]) -> None:
        """Index a batch; on return Redis has it, or its partitions will be fetched again."""
        batch = by_partition(records)
        if self._topic_id is None:
            # Redis was away when the partitions were assigned.
            await until_available(lambda: self.take_up(sorted(batch)), StateUnavailable)
        places = await until_available(lambda: self._sets.places(sorted(batch)), StateUnavailable)
        held = self._held(places)
        for partition, admitted in (await self._protocol.admit(batch, held, stored=held)).items():
            await self._index(partition, places[partition], admitted)

    async def _index(self, partition: int, place: Place, records: Sequence[Record]) -> None:
        """Index what follows on a place, step by step; after a refused step the rest is another worker's."""
        for start in range(0, len(records), STEP):
            step = records[start : start + STEP]
            wanted = Place(step[-1].offset, self._topic_id or "", self._clock_ms())
            place = await self._commit(partition, place, wanted, _changes(step, wanted.written_ms))
            if not place.is_at(wanted):
                return

    async def _commit(
        self, partition: int, place: Place, wanted: Place, changes: Mapping[int, Indexed | None]
    ) -> Place:
        """Move the index from a place to the wanted one; where it is then. A step with a lost reply counts as made."""
        found = place

        async def store() -> Committed:
            nonlocal found
            found = await self._sets.store(partition, place, wanted, changes)
            if found.is_at(wanted):
                return {partition: found.position}, {}
            return {}, self._held({partition: found})

        await self._protocol.commit(store)
        return found

    def _held(self, places: Mapping[int, Place]) -> dict[int, int]:
        return {p: place.position if place.topic_id == self._topic_id else START for p, place in places.items()}

    def _is_outdated(self, place: Place, topic_id: str, extent: Extent) -> bool:
        """Whether the index may hold items whose deletion the topic no longer tells."""
        if place == NOWHERE:
            return False
        unread = place.position + 1 < extent.end
        # Kafka may have dropped tombstones meanwhile.
        is_late = unread and self._clock_ms() - place.written_ms > TOMBSTONES_KEPT_MS
        return place.topic_id != topic_id or place.position >= extent.end or is_late


def _changes(records: Sequence[Record], now_ms: int) -> dict[int, Indexed | None]:
    """The index's entry for each item, by key; the last record counts."""
    changes: dict[int, Indexed | None] = {}
    for record in events_of(records):
        try:
            item = None if record.value is None else decode_item(record.value)
            changes[key_of((record.key or b"").decode())] = None if item is None else _indexed(item, now_ms)
        except (StateCorrupt, ValueError) as error:  # a key that is not UTF-8, or half a number in a vector
            log.error("catalogue_record_unreadable", offset=record.offset, error=str(error))
    return changes


def _indexed(item: Item, now_ms: int) -> Indexed | None:
    """The item as the index has it; None if it must not be found: not to be shown, expired, or without a vector."""
    has_expired = item.expires_at_ms is not None and item.expires_at_ms <= now_ms
    if item.hidden or item.is_held or not item.in_stock or has_expired:
        return None
    vectors = {encoder: item.vector(encoder) for encoder, embedding in item.embeddings.items() if encoder and embedding}
    return Indexed(vectors, item.known_category, item.price, item.expires_at_ms) if vectors else None
