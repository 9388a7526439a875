"""Caches what lists need of all users' behaviour: item behaviours (neighbours), trends, and known degradations.

The items agent stores behaviours and trends in Redis; the cached copies may be seconds old. A list waits for Redis at
most one round trip, and only for items that are not cached yet. A list made without these data is marked `degraded`.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour
from features.trends import NO_TRENDS
from inference.exploration.newcomers import NOBODY_MET, count_met
from state.degradations import Degradations
from state.errors import StateError
from state.signals import SignalStore
from streams.interactions.trend_noise import LaplaceNoise
from streams.logs import log
from streams.processing.background import end, every, failure_of

REFRESH_S = 1.0
#: Seconds. If a cached behaviour is older, a list waits until it is read again.
BEHAVIOUR_LIMIT_S = 60.0
BEHAVIOURS_LIMIT = 50_000
#: Stale items are collected for this long, so that one round trip reads all of them.
_STALE_BATCH_S = 0.2
_NEVER_READ: tuple[float, Behaviour | None] = (float("-inf"), None)


class BehaviourCache:
    """Bounded caches over a SignalStore.

    `trends`, `met` and `degraded` are refreshed every REFRESH_S in the background. `met` says how many users met the
    items whose keys `latest` gives (`inference.exploration.newcomers`).
    """

    #: Seconds. An older behaviour is read again in the background; lists use the cached one until then.
    behaviour_age_s = 2.0

    def __init__(
        self,
        signals: SignalStore,
        degradations: Degradations,
        noise: LaplaceNoise | None = None,
        latest: Callable[[], Collection[int]] = tuple,
    ) -> None:
        self._signals = signals
        self._latest = latest
        self._noise = noise
        self._degradations = degradations
        self._behaviours: OrderedDict[int, tuple[float, Behaviour | None]] = OrderedDict()
        self._reading: dict[int, asyncio.Task[None]] = {}
        self._stale: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self.trends: NDArray[np.void] = NO_TRENDS
        self.met: NDArray[np.void] = NOBODY_MET
        self.degraded: list[str] = []

    async def start(self) -> None:
        """Start to refresh in the background."""
        reading = every(_STALE_BATCH_S, self._read_stale, name="stale-behaviours")
        self._tasks = [asyncio.create_task(self._refresh()), reading]

    async def stop(self) -> None:
        """Stop the refresh."""
        await end(*self._tasks, *self._reading.values())

    @property
    def failure(self) -> BaseException | None:
        """The exception that ended a refresh; None while both go on."""
        return next((failure for task in self._tasks if (failure := failure_of(task)) is not None), None)

    def prefetch(self, items: Collection[int]) -> None:
        """Start to read the behaviours of these items that are not cached: call it before `behaviours`."""
        if unknown := self._older_than(items, BEHAVIOUR_LIMIT_S):
            reading = asyncio.create_task(self._read(unknown))
            self._reading.update(dict.fromkeys(unknown, reading))

    async def behaviours(self, items: Collection[int]) -> dict[int, Behaviour]:
        """Return the behaviours of items by key; items without a known behaviour are left out."""
        self.prefetch(items)
        for reading in {self._reading[item] for item in items if item in self._reading}:
            await reading
        self._stale.update(self._older_than(items, self.behaviour_age_s))
        known = ((item, self._behaviours.get(item, _NEVER_READ)[1]) for item in items)
        return {item: behaviour for item, behaviour in known if behaviour is not None}

    def _older_than(self, items: Collection[int], age_s: float) -> list[int]:
        """Return the items whose cached behaviour is older than `age_s` or missing, and is not being read."""
        oldest_s = time.monotonic() - age_s
        cached = self._behaviours
        return [item for item in items if cached.get(item, _NEVER_READ)[0] < oldest_s and item not in self._reading]

    async def _read(self, items: Collection[int]) -> None:
        """Read these items' behaviours into the cache; if Redis fails, keep the cached ones.

        An item that Redis does not have is cached as None, and read again soon.
        """
        now_s = time.monotonic()
        try:
            found = await self._signals.behaviours(items)
        except StateError as error:
            log.warning("neighbours_unavailable", error=str(error))
            found = {item: behaviour for item in items if (behaviour := self._behaviours.get(item, _NEVER_READ)[1])}
        for item in items:
            self._behaviours.pop(item, None)
            self._behaviours[item] = (now_s, found.get(item))
            self._reading.pop(item, None)
        while len(self._behaviours) > BEHAVIOURS_LIMIT:
            self._behaviours.popitem(last=False)

    async def _read_stale(self) -> None:
        stale, self._stale = self._stale, set()
        if stale:
            await self._read(stale)

    async def _refresh(self) -> None:
        while True:
            try:
                trends = await self._signals.trends()
                self.trends = trends if self._noise is None else self._noise.on(trends, time.time())
                if latest := self._latest():
                    self.met = count_met(await self._signals.behaviours(latest))
                self.degraded = await self._degradations.current()
            except StateError as error:
                self.degraded = ["crowd"]
                log.warning("crowd_unavailable", error=str(error))
            await asyncio.sleep(REFRESH_S)
