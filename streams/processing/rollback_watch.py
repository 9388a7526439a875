"""Notices that the store lost its last commits where no event comes that would show it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from state.errors import StateUnavailable
from streams.logs import log
from streams.processing.positions import Rewind

WATCH_EVERY_S = 5.0

PositionsReader = Callable[[Sequence[int]], Awaitable[dict[int, int]]]


class RollbackWatch:
    """Compares the store's positions with those that this worker last committed, every `every_s` seconds.

    `known` gives the last committed position of each partition that this worker holds; `rewind` is told where the
    store went back: it drops what is held of the partition and takes it up from there.
    """

    def __init__(
        self,
        read_positions: PositionsReader,
        known: Callable[[], Mapping[int, int]],
        rewind: Rewind,
        *,
        every_s: float = WATCH_EVERY_S,
    ) -> None:
        self._read_positions = read_positions
        self._known = known
        self._rewind = rewind
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Watch from now on."""
        self._task = asyncio.create_task(self._watch(), name="rollback-watch")

    async def stop(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    @property
    def failure(self) -> BaseException | None:
        """Why it watches no more, if so."""
        task = self._task
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

    async def look(self) -> None:
        """Compare once; raises StateUnavailable."""
        before = dict(self._known())
        if not before:
            return
        held = await self._read_positions(sorted(before))
        now = self._known()
        for partition, position in held.items():
            # Only what was committed before the store was asked counts, of a partition taken up by nobody since.
            if position < before[partition] <= now.get(partition, -1):
                log.warning("rolled_back_while_idle", partition=partition, known=before[partition], held=position)
                await self._rewind(partition, position)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            # Whoever has something to store finds out as well, and says so.
            with suppress(StateUnavailable):
                await self.look()
