"""Distinguishes a stuck worker from an idle one, and from one that waits for a service."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping

from faust.types import TP

from streams.errors import BrokerUnavailable
from streams.logs import log

#: A worker is stuck if records wait this long without progress although all services answer.
STUCK_S = 30.0
#: How often an idle worker asks Kafka whether records wait.
ASK_EVERY_S = 10.0

#: Returns the offset after the last record of each of these partitions; raises BrokerUnavailable.
EndsReader = Callable[[Collection[TP]], Awaitable[dict[TP, int]]]


class Liveness:
    """Decides whether a restart would help: records wait, Kafka answers, and nothing progressed for STUCK_S.

    A failed attempt to reach a service counts as progress: a worker that retries is not stuck, and a restarted one
    would only wait again. The end offsets do not come from the consumer, because a consumer that hangs does not learn
    of new records.
    """

    def __init__(self, read_ends: EndsReader, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._read_ends = read_ends
        self._clock_s = clock_s
        self._handled: Mapping[TP, int] = {}
        self._moved_s = self._asked_s = clock_s()
        self._waiting_since_s: float | None = None
        self._waiting = 0

    def moved(self) -> None:
        """Note progress: a batch was finished, or a service failed and will be retried."""
        self._moved_s = self._clock_s()
        self._waiting_since_s = None

    async def look(self, handled: Mapping[TP, int]) -> None:
        """Call about every second with the last handled offset of each partition of this worker."""
        if handled != self._handled:
            self._handled = dict(handled)
            self.moved()
        now_s = self._clock_s()
        if now_s - max(self._moved_s, self._asked_s) < ASK_EVERY_S:
            return
        self._asked_s = now_s
        try:
            ends = await self._read_ends(handled)
        except BrokerUnavailable as error:
            log.warning("ends_unknown", error=str(error))
            self.moved()
            return
        self._waiting = sum(max(end - handled[tp] - 1, 0) for tp, end in ends.items())
        if not self._waiting:
            self._waiting_since_s = None
        elif self._waiting_since_s is None:
            # Records that arrived a moment ago are no sign of a stuck worker, so the wait is timed from here.
            self._waiting_since_s = now_s

    def problems(self) -> list[str]:
        """Return why the process should be restarted; empty if it should not. May be called from any thread."""
        since_s = self._waiting_since_s
        if since_s is None or (waited_s := self._clock_s() - since_s) < STUCK_S:
            return []
        return [f"{self._waiting} records wait, all services answer, and nothing was handled for {waited_s:.0f} s"]
