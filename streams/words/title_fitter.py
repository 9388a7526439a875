"""Learns from the titles of a catalogue what its pictures show."""

import asyncio
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.catalog.catalog import Catalog
from inference.words.title_map import TitleMap
from streams.logs import log
from streams.processing.background import Periodic

LOOK_EVERY_S: Final = 30.0
#: Items that a map is learned of at most: what it costs grows with them.
_MOST: Final = 20_000
#: It is learned again once this share of them came or went, and once an hour: titles may have changed.
_NEWS: Final = 0.1
_RENEW_S: Final = 3600.0


class TitleFitter(Periodic):
    """Fits the map from looks to titles (`inference.words.title_map`) in the background, for a catalogue with words.

    Nothing of it is stored: a worker that starts learns it again from its replica, of one encoder and one tower.
    """

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(LOOK_EVERY_S, name="title map")
        self._catalog = catalog
        self._fitted, self._fitted_s = 0, time.monotonic()

    async def start(self) -> None:
        """Fit once, then go on in the background."""
        await self.look()
        await super().start()

    async def look(self) -> None:
        """Fit the map again where enough items with a picture and a title came or went."""
        words, rows = self._catalog.words, self._titled()
        is_old = time.monotonic() - self._fitted_s > _RENEW_S
        if words is None or (abs(len(rows) - self._fitted) <= _NEWS * self._fitted and not is_old):
            return
        self._fitted, self._fitted_s = len(rows), time.monotonic()
        some = rows[:: -(-len(rows) // _MOST) or 1]
        looks, titles = self._catalog.pictures.vectors(some), words.vectors[some]
        title_map = await asyncio.to_thread(TitleMap.fit, looks, titles)
        if title_map is not None or words.title_map is not None:
            words.follow(title_map)
            log.info("title_map_fitted", items=0 if title_map is None else title_map.items)

    def _titled(self) -> NDArray[np.int64]:
        catalog = self._catalog
        rows = np.flatnonzero(catalog.said)
        titled: NDArray[np.int64] = rows[catalog.pictures.has(rows)]
        return titled
