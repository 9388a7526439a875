"""Stops an agent that would move a whole topic into the dead letters (docs/runbooks/BreakerOpen.md)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from streams.logs import log
from streams.metrics import BREAKER_OPEN


@dataclass(frozen=True, slots=True)
class RefusalLimit:
    """Too many: more than `share` (0 to 1) of the last `window_s` seconds' messages, once there are `least` of them."""

    share: float = 0.5
    least: int = 200
    window_s: float = 60.0


class Breaker:
    """Counts what one topic's agent handles and refuses; once too much is refused, it stays open and lets nothing by.

    The usual cause is a new kind of message that these workers do not know: nothing is wrong with the messages, and
    waiting in their topic costs nothing. Only a new process goes on: one that knows them, or has another limit.
    """

    def __init__(self, topic: str, limit: RefusalLimit, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._topic = topic
        self._limit = limit
        self._clock_s = clock_s
        #: (time, handled, refused) of each batch in the window, and the sums of the last two.
        self._batches: deque[tuple[float, int, int]] = deque()
        self._handled = 0
        self._refused = 0
        #: Why the agent stands still, for /readyz; None while it works.
        self.reason: str | None = None
        self._never = asyncio.Event()
        BREAKER_OPEN.labels(topic).set(0)

    async def check(self, handled: int, refused: int) -> None:
        """Call with each batch's counts before it takes effect; when too much was refused, this never returns.

        The batch, and all that follow it, stay in their topic: nothing of it was published, stored or acknowledged.
        """
        if self.admits(handled, refused):
            return
        await self._never.wait()

    def admits(self, handled: int, refused: int) -> bool:
        """Count a batch; whether it may take effect. False once is False for good."""
        if self.reason is not None:
            return False
        self._count(handled, refused)
        if self._handled >= self._limit.least and self._refused > self._limit.share * self._handled:
            self._open()
        return self.reason is None

    def _count(self, handled: int, refused: int) -> None:
        now_s = self._clock_s()
        self._batches.append((now_s, handled, refused))
        self._handled += handled
        self._refused += refused
        while now_s - self._batches[0][0] > self._limit.window_s:
            _, past_handled, past_refused = self._batches.popleft()
            self._handled -= past_handled
            self._refused -= past_refused

    def _open(self) -> None:
        self.reason = (
            f"{self._refused} of the last {self._handled} messages of {self._topic} could not be used, more than "
            f"{self._limit.share:.0%}: nothing of it is handled any more. Deploy a worker that knows these messages, "
            "or restart with SIGHTLINE_REFUSED_SHARE=1 to have them moved to the dead letters"
        )
        BREAKER_OPEN.labels(self._topic).set(1)
        log.critical("breaker_open", topic=self._topic, handled=self._handled, refused=self._refused)
