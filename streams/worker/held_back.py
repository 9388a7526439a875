"""Notices transactions of publishers that stay open: the records after them wait, and no restart would help."""

import time
from collections.abc import Callable, Mapping

from faust.types import TP

from streams.logs import log
from streams.metrics import HELD_BACK

#: A publisher's transaction is over in this time, or its broker aborts it (the default of transaction.timeout.ms).
LONG_S = 60.0


class HeldBack:
    """Measures how long the same open transaction has held back each partition, and logs a long one once."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        #: The offset where the transaction begins, and since when it has been seen.
        self._since: dict[TP, tuple[int, float]] = {}
        self._logged: set[TP] = set()

    def look(self, held: Mapping[TP, int]) -> None:
        """Call about every second with the offset from which on each partition is held back, for those that are."""
        now_s = self._clock_s()
        for tp in self._logged - held.keys():
            log.info("held_back_no_more", topic=tp.topic, partition=tp.partition)
        self._since = {tp: self._first_seen(tp, offset, now_s) for tp, offset in held.items()}
        self._logged &= held.keys()
        HELD_BACK.clear()
        for tp, (offset, since_s) in self._since.items():
            HELD_BACK.labels(tp.topic, str(tp.partition)).set(now_s - since_s)
            if now_s - since_s >= LONG_S and tp not in self._logged:
                self._logged.add(tp)
                log.warning(
                    "held_back", topic=tp.topic, partition=tp.partition, reason=_reason(offset, now_s - since_s)
                )

    def _first_seen(self, tp: TP, offset: int, now_s: float) -> tuple[int, float]:
        seen = self._since.get(tp)
        return seen if seen is not None and seen[0] == offset else (offset, now_s)


def _reason(offset: int, seconds: float) -> str:
    return (
        f"a publisher's transaction that begins at offset {offset} has been open for {seconds:.0f} s, and all events "
        "after it wait. Let that publisher end it, or find it with `kafka-transactions.sh find-hanging` and abort it"
    )
