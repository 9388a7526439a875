"""The order in which an agent reads state, applies records and stores the effect (docs/adr/0002).

load → `admit` → apply → publish → `commit`. What an agent publishes leaves before its commit, so a crash repeats output
and never state.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias

from state.errors import StateUnavailable
from streams.processing.positions import Positions
from streams.retrying import until_available
from streams.wire.records import Record

#: Positions by partition: those that were stored, and the store's own where it refused the commit.
Committed: TypeAlias = tuple[Mapping[int, int], Mapping[int, int]]


class CommitProtocol:
    """Admits records that continue the stored state, and commits what they led to.

    A partition whose records do not connect, or whose commit is refused, is fetched again from the stored position.
    """

    def __init__(self, positions: Positions) -> None:
        self._positions = positions

    async def admit(
        self, batch: Mapping[int, Sequence[Record]], applied: Mapping[int, int], *, stored: Mapping[int, int]
    ) -> dict[int, list[Record]]:
        """Each partition's records that follow on position `applied`; `stored` is what the store was found to hold.

        The two differ where effects wait in memory for the next commit. Partitions without such records are left out.
        """
        self._positions.loaded(stored)
        return await self._positions.admit(batch, applied)

    async def commit(self, store: Callable[[], Awaitable[Committed]]) -> None:
        """Commit with `store`, which is called again for as long as it raises StateUnavailable."""
        stored, refused = await until_available(store, StateUnavailable)
        self._positions.committed(stored)
        await self.refused(refused)

    async def refused(self, positions: Mapping[int, int]) -> None:
        """Take partitions up again from these positions of the store: another worker moved them, or it lost writes."""
        await self._positions.refused(positions)
