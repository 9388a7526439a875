"""Bounds how much of something is used in a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Allowance:
    """A token bucket (RFC 2697): `per_s` more each second, `most` at once; a debt waits until it is paid."""

    def __init__(
        self,
        per_s: float,
        *,
        most: float,
        clock_s: Callable[[], float] = time.perf_counter,
        observe: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._observe = observe
        self._per_s = per_s
        self._most = most
        self._clock_s = clock_s
        self._left = most
        self._at_s = clock_s()

    def left(self) -> float:
        """What may be used now; negative in debt."""
        now_s = self._clock_s()
        self._left = min(self._left + self._per_s * (now_s - self._at_s), self._most)
        self._at_s = now_s
        return self._left

    def use(self, amount: float) -> None:
        """Take what is used, and tell the observer."""
        self._left -= amount
        self._observe(amount)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Take the seconds that the block takes."""
        begun_s = self._clock_s()
        try:
            yield
        finally:
            self.use(self._clock_s() - begun_s)
