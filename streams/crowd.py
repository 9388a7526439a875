"""What the crowd does, as the interactions agent sees it: neighbours of items, trends, and known trouble.

All of it is kept by the items agent in Redis and may be a second old here; a list never waits for it longer than one
round trip, and says `degraded` when it has to do without.
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
from state.conditions import Conditions
from state.errors import StateError, StateUnavailable
from state.signals import SignalStore
from streams.logs import log

REFRESH_S = 1.0
BEHAVIOUR_AGE_S = 2.0
BEHAVIOURS_LIMIT = 50_000
_NEVER: tuple[float, Behaviour | None] = (float("-inf"), None)


class Crowd:
    """Bounded caches over a SignalStore; `trends` and `degraded` are refreshed every REFRESH_S in the background."""

    def __init__(self, signals: SignalStore, conditions: Conditions) -> None:
        self._signals = signals
        self._conditions = conditions
        self._behaviours: OrderedDict[int, tuple[float, Behaviour | None]] = OrderedDict()
        self._task: asyncio.Task[None] | None = None
        self.trends: NDArray[np.void] = NO_TRENDS
        self.degraded: list[str] = []

    async def start(self) -> None:
        """Refresh from now on."""
        self._task = asyncio.create_task(self._refresh(), name="crowd")

    async def stop(self) -> None:
        """Refresh no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def behaviours(self, items: Collection[int], *, max_age_s: float = BEHAVIOUR_AGE_S) -> dict[int, Behaviour]:
        """The behaviours of items by key, at most `max_age_s` old; those nobody knows are left out."""
        now = time.monotonic()
        oldest = now - max_age_s
        stale = [item for item in items if self._behaviours.get(item, _NEVER)[0] < oldest]
        if stale:
            try:
                found = await self._signals.behaviours(stale)
            except StateUnavailable as error:
                log.warning("neighbours_unavailable", error=str(error))
                found = {}
            for item in stale:
                self._behaviours[item] = (now, found.get(item))
                self._behaviours.move_to_end(item)
            while len(self._behaviours) > BEHAVIOURS_LIMIT:
                self._behaviours.popitem(last=False)
        known = ((item, self._behaviours.get(item, _NEVER)[1]) for item in items)
        return {item: behaviour for item, behaviour in known if behaviour is not None}

    async def _refresh(self) -> None:
        while True:
            try:
                self.trends = await self._signals.trends()
                self.degraded = await self._conditions.current()
            except StateError as error:
                self.degraded = ["crowd"]
                log.warning("crowd_unavailable", error=str(error))
            await asyncio.sleep(REFRESH_S)
