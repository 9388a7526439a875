"""Timing of the stages of a micro-batch."""

import time
from functools import cache

from streams.metrics import STAGE

#: Cached, because the look-up takes as long as the observation.
_histogram = cache(STAGE.labels)


class Stages:
    """A stop watch that starts when it is made. `end` observes the time since the last `end`."""

    def __init__(self) -> None:
        self.started_ms = time.time_ns() // 1_000_000
        self.milliseconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """End the stage now."""
        now = time.perf_counter()
        _histogram(stage).observe(now - self._last)
        self.milliseconds[stage] = round(self.milliseconds.get(stage, 0.0) + 1000 * (now - self._last), 3)
        self._last = now
