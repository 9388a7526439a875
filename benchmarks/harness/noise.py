"""Noise of the machine during a measurement."""

import hashlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from benchmarks.harness.watch import Watch

_EVERY_S = 0.1
#: About half a millisecond of hashing, which does not hold the interpreter lock.
_WORK = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class Noise:
    """Shares of the processor time of all cores: taken by the hypervisor, and by processes outside the benchmark.

    `spin_spread` is the 99th percentile of the processor time of a fixed piece of work, divided by its median.
    """

    steal_percent: float
    others_percent: float
    spin_spread: float


class NoiseWatch(Watch):
    """A context manager around a benchmark and its processes; `found` summarises the time within."""

    def __init__(self) -> None:
        super().__init__()
        self._spins: list[float] = []
        self._before = self._after = (0.0, 0.0, 0.0)
        self._own = 0.0

    def __enter__(self) -> Self:
        self._before, self._own = _processor_s(), _own_s()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._after, self._own = _processor_s(), _own_s() - self._own

    def found(self) -> Noise:
        """The noise of a watch that has ended."""
        busy, steal, total = np.subtract(self._after, self._before)
        middle, slow = np.percentile(self._spins, (50, 99))
        return Noise(
            steal_percent=round(100 * float(steal / total), 2),
            others_percent=round(100 * max(float(busy) - self._own, 0.0) / float(total), 2),
            spin_spread=round(float(slow / middle), 3),
        )

    def _watch(self) -> None:
        while True:
            begun = time.thread_time()
            hashlib.sha256(_WORK)
            self._spins.append(time.thread_time() - begun)
            if self._ended.wait(_EVERY_S):
                return


def _processor_s() -> tuple[float, float, float]:
    """Seconds of processor time since boot: used, taken by the hypervisor, total."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, idle, wait, irq, soft, steal = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields)
    busy = user + nice + system + irq + soft
    return busy, steal, busy + idle + wait + steal


def _own_s() -> float:
    """Processor time in seconds of this process and its ended children."""
    return sum(os.times()[:4])
