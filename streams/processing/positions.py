"""Selects the records of a batch that continue the stored state, and rewinds partitions whose records do not."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from streams.logs import log
from streams.metrics import DUPLICATES, POSITION_CONFLICTS, ROLLBACKS
from streams.wire.records import Record

#: `rewind(partition, position)` fetches a partition again from the record after a position.
Rewind = Callable[[int, int], Awaitable[None]]

#: A rewind without effect is repeated after this time.
REWIND_AGAIN_S = 5.0


class Positions:
    """The position of each partition as this worker last saw it.

    A record continues a state at position p if it comes after p without a gap: its offset is p + 1, or the log is known
    to have no records in between (`after <= p`). A batch has a gap if the store lost its last commits, or if records
    were dropped on the way. Such records are discarded, and the partition is fetched again from the store's position.
    So every record is applied exactly once (docs/adr/0002).
    """

    def __init__(self, rewind: Rewind, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._rewind = rewind
        self._clock_s = clock_s
        self._known: dict[int, int] = {}
        self._rewinding: dict[int, tuple[int, float]] = {}

    @property
    def known(self) -> Mapping[int, int]:
        """The position of each partition in the store, as this worker last read or wrote it."""
        return self._known

    async def admit(self, batch: Mapping[int, Sequence[Record]], applied: Mapping[int, int]) -> dict[int, list[Record]]:
        """Return each partition's records that continue position `applied`; partitions with none are left out."""
        admitted: dict[int, list[Record]] = {}
        for partition, records in batch.items():
            connected, reached, has_gap = _connect(records, applied[partition])
            if connected:
                admitted[partition] = connected
            if has_gap:
                await self._fetch_again(partition, reached)
        return admitted

    def loaded(self, positions: Mapping[int, int]) -> None:
        """Remember positions that were read from the store."""
        for partition, position in positions.items():
            self._note(partition, position)

    def committed(self, positions: Mapping[int, int]) -> None:
        """Remember positions that this worker has written."""
        self._known.update(positions)
        for partition, position in positions.items():
            if partition in self._rewinding and position > self._rewinding[partition][0]:
                del self._rewinding[partition]

    async def refused(self, held: Mapping[int, int]) -> None:
        """Resume from the store's positions: another worker moved these partitions, or the store was rolled back."""
        for partition, position in held.items():
            if not self._note(partition, position):
                POSITION_CONFLICTS.inc()
                log.warning("commit_refused", partition=partition, held=position)
            # Records that an earlier rewind fetched are among those discarded here, so a new rewind is needed.
            self._rewinding.pop(partition, None)
            await self._fetch_again(partition, position)

    def _note(self, partition: int, position: int) -> bool:
        """Remember the store's position; return whether it went back."""
        known = self._known.get(partition, position)
        self._known[partition] = position
        if position < known:
            ROLLBACKS.inc()
            log.warning("state_rolled_back", partition=partition, known=known, held=position)
        return position < known

    async def _fetch_again(self, partition: int, position: int) -> None:
        # Records fetched earlier are still in the queue and do not connect either. One rewind covers all of them.
        now_s = self._clock_s()
        requested, requested_s = self._rewinding.get(partition, (None, 0.0))
        if requested != position or now_s - requested_s > REWIND_AGAIN_S:
            self._rewinding[partition] = (position, now_s)
            await self._rewind(partition, position)


def _connect(records: Sequence[Record], position: int) -> tuple[list[Record], int, bool]:
    """Return the records that continue `position` without a gap, their last offset, and whether a gap follows."""
    connected = []
    unconnected = []
    for record in records:
        if record.offset <= position:
            if record.holds_event:
                DUPLICATES.labels("redelivery").inc()
        elif record.offset == position + 1 or (record.after is not None and record.after <= position):
            connected.append(record)
            position = record.offset
        else:
            unconnected.append(record.offset)
    return connected, position, any(offset > position for offset in unconnected)
