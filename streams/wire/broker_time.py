"""The time of a record: the broker's where the broker gave it, else what its publisher said, if that can be true."""

import time
from collections.abc import Callable
from typing import Final

from sightline_client.times import PLAUSIBLE_FROM_MS
from streams.metrics import CLAMPED_TIMES
from streams.wire.parsing import FUTURE_MS, PAST_MS
from streams.wire.topics import ALL

#: The ends of the names of the topics that promise the broker's time; a prefix of the app comes before them.
_PROMISED: Final = tuple(topic.name for topic in ALL if topic.broker_time)


def record_time(
    topic: str,
    stamp_ms: int,
    *,
    by_broker: bool,
    again: bool = False,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> int:
    """Return the record's time in milliseconds.

    While a topic breaks its promise (message.timestamp.type=CreateTime), the publisher's clock or unit may be wrong.
    A time outside [now - 7 d, now + 5 min] is replaced by now, and counted: profiles get no year 1970, and nothing
    seems to have waited for years. No worker starts on such a topic, so this concerns seconds of a running one.

    A log that is read `again`, as verify and rebuild do, may be older than 7 d: there any past time in milliseconds
    stays, so that a time which the worker took is the same at every later reading. One that the worker replaced is
    not: `now` was another moment then.
    """
    if by_broker or not topic.endswith(_PROMISED):
        return stamp_ms
    now_ms = clock_ms()
    earliest_ms = PLAUSIBLE_FROM_MS if again else now_ms - PAST_MS
    if earliest_ms <= stamp_ms <= now_ms + FUTURE_MS:
        return stamp_ms
    CLAMPED_TIMES.inc()
    return now_ms
