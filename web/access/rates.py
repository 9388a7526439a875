"""How often each caller may ask: token buckets, each kept as one time (generic cell rate algorithm, ITU-T I.371)."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from web.access.caller import Caller
from web.problems import Problem

#: Callers whose rate is known. The one that asked longest ago is forgotten first, and its bucket is most likely full.
CALLERS_LIMIT: Final = 65_536
#: Seconds of requests that a caller may send at once.
BURST_S: Final = 2.0


class Rates:
    """The buckets of all callers; `rate` requests a second each, and twice as many at once."""

    def __init__(self, rate: float, now_s: Callable[[], float] = time.monotonic, limit: int = CALLERS_LIMIT) -> None:
        self._rate = rate
        # A bucket holds one request at least.
        self._burst_s = max(BURST_S, 1 / rate)
        self._now_s = now_s
        self._limit = limit
        #: When the bucket of each caller is full again; the one that asked longest ago first.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, caller: Caller) -> None:
        """Count a request of a caller; raises Problem 429 where it is one too many, which then does not count."""
        now = self._now_s()
        full_at = max(self._full_at.get(caller.counted, now), now) + 1 / self._rate
        if (wait := full_at - now - self._burst_s) > 1e-9:
            raise Problem(
                429,
                "Too many requests",
                f"{caller.name} asks more than {self._rate:g} times a second",
                remedy="wait as long as Retry-After says; SIGHTLINE_WEB_RATE sets the rate",
                headers={"Retry-After": str(math.ceil(wait))},
            )
        self._full_at[caller.counted] = full_at
        self._full_at.move_to_end(caller.counted)
        if len(self._full_at) > self._limit:
            self._full_at.popitem(last=False)
