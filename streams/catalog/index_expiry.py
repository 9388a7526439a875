"""Takes what expired out of the shared index, as time passes (docs/adr/0022)."""

import time
from collections.abc import Callable

from state.errors import StateUnavailable
from state.vector_sets import VectorSets
from streams.catalog.index_writer import STEP
from streams.processing.background import Periodic

EVERY_S = 1.0


class IndexExpiry(Periodic):
    """Looks into every shard once in EVERY_S. Several workers may: what one has done is done."""

    def __init__(self, sets: VectorSets, *, clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        # The writer of the index reports a Redis that is away.
        super().__init__(EVERY_S, name="index-expiry", passing_over=(StateUnavailable,))
        self._sets = sets
        self._clock_ms = clock_ms

    async def look(self) -> None:
        """Take out all that expired by now, a step at a time; raises StateUnavailable."""
        for shard in range(self._sets.shards):
            while await self._sets.expire(shard, self._clock_ms(), STEP) == STEP:
                pass
