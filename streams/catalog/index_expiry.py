"""Takes what expired out of the shared index, as time passes (docs/adr/0022)."""

import asyncio
import time
from collections.abc import Callable

from state.errors import StateUnavailable
from state.vector_sets import VectorSets
from streams.catalog.index_writer import STEP
from streams.processing.background import end, every, failure_of

EVERY_S = 1.0


class IndexExpiry:
    """Looks into every shard once in EVERY_S. Several workers may: what one has done is done."""

    def __init__(self, sets: VectorSets, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._sets = sets
        self._clock_ms = clock_ms
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start to look in the background."""
        # The writer of the index reports a Redis that is away.
        self._task = every(EVERY_S, self.look, name="index-expiry", passing_over=(StateUnavailable,))

    async def stop(self) -> None:
        """Look no more."""
        await end(self._task)

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended it; None while it runs."""
        return failure_of(self._task)

    async def look(self) -> None:
        """Take out all that expired by now, a step at a time; raises StateUnavailable."""
        for shard in range(self._sets.shards):
            while await self._sets.expire(shard, self._clock_ms(), STEP) == STEP:
                pass
