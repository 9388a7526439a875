"""Asks the index that workers share for look-alikes (docs/adr/0010).

Making a list waits for nothing: the look-alikes that it needs are asked for before, and kept in the catalogue. A list
waits for them PATIENCE_S at most, and not at all while the index is in trouble; what comes later serves the next list.
"""

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.search_filter import SearchFilter
from inference.catalog.catalog import Catalog
from inference.catalog.search import by_look, find_among_few, widening
from inference.catalog.vector_space import SIMILAR_COUNT
from state.errors import StateError
from state.vector_sets import VectorSets
from streams.logs import log
from streams.processing.background import end, every, failure_of

PATIENCE_S = 0.05
REFRESH_S = 5.0
#: An index with a smaller share of the catalogue's pictures is still being filled.
FULL = 0.9
#: Up to this many items within the limits of a search are compared here, in 20 ms: the index is bad at few among many.
FEW = 65_536
#: Searches in one round trip.
_AT_ONCE = 64


class IndexClient:
    """Asks the index for one catalogue; `degraded` is what lists say that they lack."""

    def __init__(self, sets: VectorSets, catalog: Catalog, *, few: int = FEW) -> None:
        self._sets = sets
        self._catalog = catalog
        self._few = few
        #: The searches under way, by item key.
        self._asking: dict[int, asyncio.Task[None]] = {}
        self._is_away = False
        self._is_filling = False
        self._task: asyncio.Task[None] | None = None
        #: The first search that ended by an unexpected error.
        self._failed: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look at the index now, and then every REFRESH_S."""
        await self.look()
        self._task = every(REFRESH_S, self.look, name="index-client")

    async def stop(self) -> None:
        """Cancel what is under way, and ask no more."""
        await end(*self._asking.values(), self._task)

    @property
    def failure(self) -> BaseException | None:
        """The unexpected error of a search, or the one that ended the looks at the index; None while all works."""
        return failure_of(self._failed) or failure_of(self._task)

    @property
    def degraded(self) -> list[str]:
        """`index` where lists may lack look-alikes."""
        return ["index"] if self._is_away or self._is_filling else []

    async def prefetch(self, rows: Sequence[NDArray[np.int64]]) -> None:
        """Have the look-alikes of these rows, a group for each user, in the catalogue's memory, unless that takes long.

        Rows may belong to other items afterwards: `Catalog.changes` says whether the catalogue changed meanwhile.
        """
        catalog = self._catalog
        keys = catalog.keys[catalog.pictures.unknown_similar(rows)].tolist()
        new = [key for key in keys if key not in self._asking]
        # One question at a time shows whether the index is back.
        if new and not (self._is_away and self._asking):
            for start in range(0, len(new), _AT_ONCE):
                asked = new[start : start + _AT_ONCE]
                asking = asyncio.create_task(self._ask(asked))
                asking.add_done_callback(self._note_failure)
                self._asking |= dict.fromkeys(asked, asking)
        waiting = {self._asking[key] for key in keys if key in self._asking}
        if waiting and not self._is_away:
            _, late = await asyncio.wait(waiting, timeout=PATIENCE_S)
            self._is_away = self._is_away or bool(late)

    async def find_similar(
        self, query: NDArray[np.float32], count: int, search_filter: SearchFilter
    ) -> NDArray[np.int64]:
        """See `inference.catalog.search.FindSimilar`; raises StateUnavailable."""
        catalog = self._catalog
        if search_filter.is_narrow:
            exactly = await find_among_few(catalog, by_look(catalog, query), count, search_filter, self._few)
            if exactly is not None:
                return exactly

        async def ask(asked: int) -> NDArray[np.int64]:
            encoder, queries = catalog.pictures.encoder or "", np.atleast_2d(query)
            keys, _ = await self._sets.search(encoder, queries, asked, search_filter)
            heads = catalog.pictures.heads(np.concatenate(keys))
            return heads[heads >= 0]

        # The catalogue, which chooses among these, is newer, and more exact, than the index.
        return await widening(catalog, query, count, search_filter, ask, catalog.pictures.pictures)

    async def _ask(self, keys: Sequence[int]) -> None:
        catalog, additions = self._catalog, self._catalog.pictures.additions
        rows = catalog.rows_of(np.array(keys, np.uint64))
        try:
            found, similarities = await self._sets.search(
                catalog.pictures.encoder or "", catalog.pictures.vectors(rows[rows >= 0]), SIMILAR_COUNT
            )
        except StateError as error:
            self._is_away = True
            log.warning("index_unavailable", error=str(error))
        else:
            self._is_away = False
            known = [key for key, row in zip(keys, rows.tolist(), strict=True) if row >= 0]
            near = [each[similar > -1.0] for each, similar in zip(found, similarities, strict=True)]
            catalog.learn_similar(catalog.pictures, dict(zip(known, near, strict=True)), additions)
        finally:
            for key in keys:
                self._asking.pop(key, None)

    def _note_failure(self, task: asyncio.Task[None]) -> None:
        if self._failed is None and failure_of(task) is not None:
            self._failed = task

    async def look(self) -> None:
        """See whether the index answers, and how full it is."""
        catalog = self._catalog
        try:
            indexed = await self._sets.count(catalog.pictures.encoder or "", catalog.pictures.dimensions)
        except StateError as error:
            self._is_away = True
            log.warning("index_unavailable", error=str(error))
        else:
            # What is late is still waited for.
            self._is_away = self._is_away and bool(self._asking)
            self._is_filling = indexed < FULL * catalog.pictures.pictures
