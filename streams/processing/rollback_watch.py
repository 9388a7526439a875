"""Detects that the store lost its last commits, even while no event arrives that would reveal it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from state.errors import StateUnavailable
from streams.logs import log
from streams.processing.background import Periodic
from streams.processing.positions import Rewind

WATCH_EVERY_S = 5.0

PositionsReader = Callable[[Sequence[int]], Awaitable[dict[int, int]]]


class RollbackWatch(Periodic):
    """Compares the store's positions with this worker's last committed positions, every `every_s` seconds.

    `known` returns the last committed position of each partition of this worker. `rewind` is called with each
    partition that went back and its stored position: it drops the partition's state and resumes from that position.
    """

    def __init__(
        self,
        read_positions: PositionsReader,
        known: Callable[[], Mapping[int, int]],
        rewind: Rewind,
        *,
        every_s: float = WATCH_EVERY_S,
    ) -> None:
        # An unavailable store is ignored here: the agent notices and reports it at its next commit.
        super().__init__(every_s, name="rollback-watch", passing_over=(StateUnavailable,))
        self._read_positions = read_positions
        self._known = known
        self._rewind = rewind

    async def look(self) -> None:
        """Compare once; raises StateUnavailable."""
        before = dict(self._known())
        if not before:
            return
        stored = await self._read_positions(sorted(before))
        now = self._known()
        for partition, position in stored.items():
            # Compare with the position committed before the read. Skip a partition that was rewound since.
            if position < before[partition] <= now.get(partition, -1):
                log.warning("rolled_back_while_idle", partition=partition, known=before[partition], held=position)
                await self._rewind(partition, position)
