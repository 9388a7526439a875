"""How fast pictures are embedded again, so that lists do not wait for the cores that it takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class Pace:
    """Gives turns at even distances, at most `per_second`; 0 sets no bound. What comes late is not made up for."""

    def __init__(
        self,
        per_second: float,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._every_s = 1 / per_second if per_second else 0.0
        self._clock_s = clock_s
        self._sleep = sleep
        self._next_s = float("-inf")

    async def turn(self) -> None:
        """Return when it is the caller's turn; who asks first is first."""
        now_s = self._clock_s()
        turn_s = max(self._next_s, now_s)
        self._next_s = turn_s + self._every_s
        if turn_s > now_s:
            await self._sleep(turn_s - now_s)
