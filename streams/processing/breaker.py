"""Stops an agent before it moves a whole topic into the dead letters (docs/runbooks/BreakerOpen.md)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from streams.logs import log
from streams.metrics import BREAKER_OPEN


@dataclass(frozen=True, slots=True)
class RefusalLimit:
    """Exceeded if over `share` (0 to 1) of the last `window_s` seconds' messages are refused, of `least` or more."""

    share: float = 0.5
    least: int = 200
    window_s: float = 60.0


class Breaker:
    """Counts the messages that one topic's agent handles and refuses. Above the limit it opens for good and blocks all.

    The usual cause is a new kind of message that these workers do not know. The messages are valid, and waiting in
    their topic costs nothing. Only a new process continues: one that knows the messages, or has another limit.
    """

    def __init__(self, topic: str, limit: RefusalLimit, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._topic = topic
        self._limit = limit
        self._clock_s = clock_s
        #: (time, handled, refused) of each batch in the window; `_handled` and `_refused` are the sums.
        self._batches: deque[tuple[float, int, int]] = deque()
        self._handled = 0
        self._refused = 0
        #: Why the agent is blocked, for /readyz; None while it works.
        self.reason: str | None = None
        #: Never set: a blocked agent waits for it forever.
        self._never_set = asyncio.Event()
        BREAKER_OPEN.labels(topic).set(0)

    async def check(self, handled: int, refused: int) -> None:
        """Call with each batch's counts before the batch takes effect. Above the limit this never returns.

        The batch and all later ones stay in their topic: nothing of them is published, stored or acknowledged.
        """
        if self.admits(handled, refused):
            return
        await self._never_set.wait()

    def admits(self, handled: int, refused: int) -> bool:
        """Count a batch and return whether it may take effect. After the first False every call returns False."""
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
            _, expired_handled, expired_refused = self._batches.popleft()
            self._handled -= expired_handled
            self._refused -= expired_refused

    def _open(self) -> None:
        self.reason = (
            f"{self._refused} of the last {self._handled} messages of {self._topic} could not be used, more than "
            f"{self._limit.share:.0%}: nothing of it is handled any more. Deploy a worker that knows these messages, "
            "or restart with SIGHTLINE_REFUSED_SHARE=1 to have them moved to the dead letters"
        )
        BREAKER_OPEN.labels(self._topic).set(1)
        log.critical("breaker_open", topic=self._topic, handled=self._handled, refused=self._refused)
