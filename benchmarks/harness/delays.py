"""Statistics of the delays of evenly spaced events.

`delays_ms` float64 [n] is the time from due to answered in milliseconds, NaN for events never answered.
"""

import numpy as np
from numpy.typing import NDArray

Delays = NDArray[np.float64]

#: Fewest points that determine a line.
_LINE_POINTS = 2


def percentiles(delays_ms: Delays) -> Delays:
    """The 50th, 99th and 99.9th percentile, float64 [3], of the answered events; NaN if none was answered."""
    answered = delays_ms[~np.isnan(delays_ms)]
    return np.percentile(answered, (50, 99, 99.9)) if len(answered) else np.full(3, np.nan)


def longest_gap_ms(delays_ms: Delays, rate: float) -> float:
    """The longest time without any answer, between the due time of the first event and the last answer."""
    answered_ms = np.sort(_answered_ms(delays_ms, rate))
    return float(np.diff(answered_ms, prepend=0.0).max(initial=0.0))


def lag_growth_per_s(delays_ms: Delays, rate: float) -> float:
    """Growth of the number of waiting events, in events a second, while events are due (least squares)."""
    due_ms = np.arange(len(delays_ms)) * (1000 / rate)
    answered = np.searchsorted(np.sort(_answered_ms(delays_ms, rate)), due_ms, side="right")
    waiting = np.arange(1, len(delays_ms) + 1) - answered
    # Events due before the first answer are start-up delay, not growth.
    begun = int(np.argmax(answered > 0)) if answered.any() else 0
    if len(due_ms) - begun < _LINE_POINTS:
        return 0.0
    return float(np.polyfit(due_ms[begun:] / 1000, waiting[begun:], 1)[0])


def _answered_ms(delays_ms: Delays, rate: float) -> Delays:
    answered_ms: Delays = np.arange(len(delays_ms)) * (1000 / rate) + delays_ms
    return answered_ms[~np.isnan(answered_ms)]
