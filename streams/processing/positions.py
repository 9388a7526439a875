"""Which records of a batch continue the state as it is, and what to do about those that do not."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from streams.logs import log
from streams.metrics import DUPLICATES, POSITION_CONFLICTS, ROLLBACKS
from streams.wire.records import Record

#: Fetches a partition again from the record after a position.
Rewind = Callable[[int, int], Awaitable[None]]

#: A rewind that brought nothing is asked for again after this time.
REWIND_AGAIN_S = 5.0


class Positions:
    """The position of each partition as this worker last saw it.

    A record continues a state at position p if it comes after p and nothing lies between: its offset is p + 1, or it is
    known that the log has nothing there (`after <= p`). A batch that does not connect (the store lost its last commits,
    or records were dropped on the way) is given up, and the partition is fetched again from where the store is: so
    every record is applied exactly once (docs/adr/0002).
    """

    def __init__(self, rewind: Rewind, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._rewind = rewind
        self._clock_s = clock_s
        self._known: dict[int, int] = {}
        self._rewinding: dict[int, tuple[int, float]] = {}

    @property
    def known(self) -> Mapping[int, int]:
        """The position of each partition as the store was last found, or left, by this worker."""
        return self._known

    async def admit(self, batch: Mapping[int, Sequence[Record]], applied: Mapping[int, int]) -> dict[int, list[Record]]:
        """Each partition's records that continue the state at position `applied`; partitions with none are left out."""
        admitted: dict[int, list[Record]] = {}
        for partition, records in batch.items():
            connected, reached, beyond = _connect(records, applied[partition])
            if connected:
                admitted[partition] = connected
            if beyond:
                await self._fetch_again(partition, reached)
        return admitted

    def loaded(self, positions: Mapping[int, int]) -> None:
        """Note what the store was found to hold."""
        for partition, position in positions.items():
            self._note(partition, position)

    def committed(self, positions: Mapping[int, int]) -> None:
        """Remember what this worker has written."""
        self._known.update(positions)
        for partition, position in positions.items():
            if partition in self._rewinding and position > self._rewinding[partition][0]:
                del self._rewinding[partition]

    async def refused(self, held: Mapping[int, int]) -> None:
        """Another worker moved these partitions, or the store went back: take up from where it is."""
        for partition, position in held.items():
            if not self._note(partition, position):
                POSITION_CONFLICTS.inc()
                log.warning("commit_refused", partition=partition, held=position)
            # What an earlier rewind brought was in what is given up here.
            self._rewinding.pop(partition, None)
            await self._fetch_again(partition, position)

    def _note(self, partition: int, position: int) -> bool:
        """Remember the position that the store holds; whether it has gone back."""
        known = self._known.get(partition, position)
        self._known[partition] = position
        if position < known:
            ROLLBACKS.inc()
            log.warning("state_rolled_back", partition=partition, known=known, held=position)
        return position < known

    async def _fetch_again(self, partition: int, position: int) -> None:
        # What was fetched before is still in the queue and will not connect either; one rewind answers it all.
        now_s = self._clock_s()
        asked_for, asked_s = self._rewinding.get(partition, (None, 0.0))
        if asked_for != position or now_s - asked_s > REWIND_AGAIN_S:
            self._rewinding[partition] = (position, now_s)
            await self._rewind(partition, position)


def _connect(records: Sequence[Record], position: int) -> tuple[list[Record], int, bool]:
    """The records that follow on each other from `position`, the offset they reach, and whether others lie beyond."""
    connected = []
    beyond = []
    for record in records:
        if record.offset <= position:
            DUPLICATES.labels("redelivery").inc()
        elif record.offset == position + 1 or (record.after is not None and record.after <= position):
            connected.append(record)
            position = record.offset
        else:
            beyond.append(record.offset)
    return connected, position, any(offset > position for offset in beyond)
