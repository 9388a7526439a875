"""How long each stage of a micro-batch took."""

import time
from functools import cache

from streams.metrics import STAGE

#: Finding a stage's histogram takes as long as observing it.
_histogram = cache(STAGE.labels)


class Stages:
    """Starts when it is made; `end` closes the stage that ran since the last end and observes its time."""

    def __init__(self) -> None:
        self.started_ms = time.time_ns() // 1_000_000
        self.milliseconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def end(self, stage: str) -> None:
        """The stage ends now."""
        now = time.perf_counter()
        _histogram(stage).observe(now - self._last)
        self.milliseconds[stage] = round(self.milliseconds.get(stage, 0.0) + 1000 * (now - self._last), 3)
        self._last = now
