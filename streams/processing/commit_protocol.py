"""The order in which an agent reads state, applies records and stores the effect (docs/adr/0002).

load → `admit` → apply → publish → `commit`. An agent publishes before it commits, so a crash repeats output, never
state.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from state.errors import StateUnavailable
from streams.processing.positions import Positions
from streams.retrying import until_available
from streams.wire.records import Record

#: Positions by partition: the stored ones, and the store's own positions where it refused the commit.
Committed: TypeAlias = tuple[Mapping[int, int], Mapping[int, int]]


class CommitProtocol:
    """Admits records that continue the stored state, and commits their effects.

    A partition is fetched again from the stored position if its records have a gap, or if its commit is refused.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    async def admit(
        self, batch: Mapping[int, Sequence[Record]], applied: Mapping[int, int], *, stored: Mapping[int, int]
    ) -> dict[int, list[Record]]:
        """Return each partition's records that continue position `applied`; `stored` are the positions in the store.

        The two differ while effects wait in memory for the next commit. Partitions without such records are left out.
        """
        self._positions.loaded(stored)
        return await self._positions.admit(batch, applied)

    async def commit(self, store: Callable[[], Awaitable[Committed]]) -> None:
        """Commit with `store`; retry it for as long as it raises StateUnavailable."""
        stored, refused = await until_available(store, StateUnavailable)
        self._positions.committed(stored)
        await self.refused(refused)

    async def refused(self, positions: Mapping[int, int]) -> None:
        """Resume partitions from these store positions: another worker moved them, or the store lost writes."""
        await self._positions.refused(positions)
