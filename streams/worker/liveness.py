"""Tells a worker that is stuck from one that has nothing to do, and from one that waits for a service."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping

from faust.types import TP

from streams.errors import BrokerUnavailable
from streams.logs import log

#: Work that waited for so long, while nothing moved and no service was away, waits for a worker that is stuck.
STUCK_S = 30.0
#: How often a worker that does nothing asks whether there is something to do.
ASK_EVERY_S = 10.0

#: The offset after the last record of each of these partitions; raises BrokerUnavailable.
EndsReader = Callable[[Collection[TP]], Awaitable[dict[TP, int]]]


class Liveness:
    """Whether a restart would help: records wait, Kafka answers, and for STUCK_S nothing moved.

    A refused attempt to reach a service is a movement, too: whoever tries again is not stuck, and a restart would
    only have to wait anew. The ends are asked for apart from the consumer, since one that hangs does not learn of new
    records either.
    """

    def __init__(self, read_ends: EndsReader, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._read_ends = read_ends
        self._clock_s = clock_s
        self._handled: Mapping[TP, int] = {}
        self._moved_s = self._asked_s = clock_s()
        self._waiting_since_s: float | None = None
        self._waiting = 0

    def moved(self) -> None:
        """Something went on: a batch was finished, or a service refused and will be asked again."""
        self._moved_s = self._clock_s()
        self._waiting_since_s = None

    async def look(self, handled: Mapping[TP, int]) -> None:
        """Call every second or so with the last offset handled of each of our partitions."""
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
            # What came a moment ago waits for nobody; what still waits at a later look does.
            self._waiting_since_s = now_s

    def problems(self) -> list[str]:
        """Why the process should be started again; empty while it should not. From any thread."""
        since_s = self._waiting_since_s
        if since_s is None or (silent_s := self._clock_s() - since_s) < STUCK_S:
            return []
        return [f"{self._waiting} records wait, all services answer, and nothing was handled for {silent_s:.0f} s"]
