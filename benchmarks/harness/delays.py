"""What the delays of a run tell: `delays_ms` float64 [n], from due to answered, NaN for never; events evenly spaced."""

import numpy as np
from numpy.typing import NDArray

Delays = NDArray[np.float64]

#: So many points a line takes.
_LINE = 2


def percentiles(delays_ms: Delays) -> Delays:
    """The 50th, 99th and 99.9th, float64 [3], of those that were answered; NaN where none was."""
    answered = delays_ms[~np.isnan(delays_ms)]
    return np.percentile(answered, (50, 99, 99.9)) if len(answered) else np.full(3, np.nan)


def longest_gap_ms(delays_ms: Delays, rate: float) -> float:
    """The longest time without any answer, from the first event being due to the last answer."""
    came = np.sort(_answered_ms(delays_ms, rate))
    return float(np.diff(came, prepend=0.0).max(initial=0.0))


def lag_growth_per_s(delays_ms: Delays, rate: float) -> float:
    """By how many a second the events that wait for their answer become more, while events are due (least squares)."""
    due_ms = np.arange(len(delays_ms)) * (1000 / rate)
    answered = np.searchsorted(np.sort(_answered_ms(delays_ms, rate)), due_ms, side="right")
    waiting = np.arange(1, len(delays_ms) + 1) - answered
    # What was due before the first answers came is no growth.
    begun = int(np.argmax(answered > 0)) if answered.any() else 0
    if len(due_ms) - begun < _LINE:
        return 0.0
    return float(np.polyfit(due_ms[begun:] / 1000, waiting[begun:], 1)[0])


def _answered_ms(delays_ms: Delays, rate: float) -> Delays:
    came: Delays = np.arange(len(delays_ms)) * (1000 / rate) + delays_ms
    return came[~np.isnan(came)]
