"""Takes what expired out of the shared index, as time passes (docs/adr/0022)."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from state.errors import StateUnavailable
from state.vector_sets import VectorSets
from streams.catalog.index_writer import STEP
from streams.processing.background import failure_of

EVERY_S = 1.0


class IndexExpiry:
    """Looks into every shard once in EVERY_S. Several workers may: what one has done is done."""

    def __init__(self, sets: VectorSets, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._sets = sets
        self._clock_ms = clock_ms
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to look in the background."""
        self._task = asyncio.create_task(self._keep_looking(), name="index-expiry")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended it; None while it runs."""
        return failure_of(self._task)

    async def look(self) -> None:
        """Take out all that expired by now, a step at a time; raises StateUnavailable."""
        for shard in range(self._sets.shards):
            while await self._sets.expire(shard, self._clock_ms(), STEP) == STEP:
                pass

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            # The writer of the index reports a Redis that is away.
            with suppress(StateUnavailable):
                await self.look()
