"""What the crowd does, as the interactions agent sees it: neighbours of items, trends, and known trouble.

All of it is kept by the items agent in Redis and may be seconds old here; a list waits for it at most one round trip,
where nothing is known of an item yet, and says `degraded` when it has to do without.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour
from features.trends import NO_TRENDS
from state.degradations import Degradations
from state.errors import StateError
from state.signals import SignalStore
from streams.interactions.trend_noise import LaplaceNoise
from streams.logs import log

REFRESH_S = 1.0
#: A list waits for a behaviour that is older.
BEHAVIOUR_LIMIT_S = 60.0
BEHAVIOURS_LIMIT = 50_000
#: Items to read again wait for each other: one round trip for all of them.
_TOGETHER_S = 0.2
_NEVER: tuple[float, Behaviour | None] = (float("-inf"), None)


class BehaviourCache:
    """Bounded caches over a SignalStore; `trends` and `degraded` are refreshed every REFRESH_S in the background."""

    #: A behaviour that is older is read again in the background, and used as it is until then.
    behaviour_age_s = 2.0

    def __init__(self, signals: SignalStore, degradations: Degradations, noise: LaplaceNoise | None = None) -> None:
        self._signals = signals
        self._noise = noise
        self._degradations = degradations
        self._behaviours: OrderedDict[int, tuple[float, Behaviour | None]] = OrderedDict()
        self._reading: dict[int, asyncio.Task[None]] = {}
        self._stale: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.trends: NDArray[np.void] = NO_TRENDS
        self.degraded: list[str] = []

    async def start(self) -> None:
        """Refresh from now on."""
        self._tasks = [asyncio.create_task(self._refresh()), asyncio.create_task(self._read_stale())]

    async def stop(self) -> None:
        """Refresh no more."""
        for task in (*self._tasks, *set(self._reading.values())):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def prefetch(self, items: Collection[int]) -> None:
        """Begin to read what is not known of these items: `behaviours` will be asked for them soon."""
        if unknown := self._older(items, BEHAVIOUR_LIMIT_S):
            reading = asyncio.create_task(self._read(unknown))
            self._reading.update(dict.fromkeys(unknown, reading))

    async def behaviours(self, items: Collection[int]) -> dict[int, Behaviour]:
        """The behaviours of items by key; those nobody knows are left out."""
        self.prefetch(items)
        for reading in {self._reading[item] for item in items if item in self._reading}:
            await reading
        self._stale.update(self._older(items, self.behaviour_age_s))
        known = ((item, self._behaviours.get(item, _NEVER)[1]) for item in items)
        return {item: behaviour for item, behaviour in known if behaviour is not None}

    def _older(self, items: Collection[int], age_s: float) -> list[int]:
        """Those of the items whose behaviour is older, and not being read."""
        oldest = time.monotonic() - age_s
        known = self._behaviours
        return [item for item in items if known.get(item, _NEVER)[0] < oldest and item not in self._reading]

    async def _read(self, items: Collection[int]) -> None:
        """Have these items' behaviours as of now; what Redis does not tell is empty, and asked for again soon."""
        now = time.monotonic()
        try:
            found = await self._signals.behaviours(items)
        except StateError as error:
            log.warning("neighbours_unavailable", error=str(error))
            found = {item: behaviour for item in items if (behaviour := self._behaviours.get(item, _NEVER)[1])}
        for item in items:
            self._behaviours.pop(item, None)
            self._behaviours[item] = (now, found.get(item))
            self._reading.pop(item, None)
        while len(self._behaviours) > BEHAVIOURS_LIMIT:
            self._behaviours.popitem(last=False)

    async def _read_stale(self) -> None:
        while True:
            await asyncio.sleep(_TOGETHER_S)
            stale, self._stale = self._stale, set()
            if stale:
                await self._read(stale)

    async def _refresh(self) -> None:
        while True:
            try:
                trends = await self._signals.trends()
                self.trends = trends if self._noise is None else self._noise.on(trends, time.time())
                self.degraded = await self._degradations.current()
            except StateError as error:
                self.degraded = ["crowd"]
                log.warning("crowd_unavailable", error=str(error))
            await asyncio.sleep(REFRESH_S)
