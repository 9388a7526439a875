"""Which rows expired, or came back, since they were looked at."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled

#: The time of a row that does not expire.
NEVER: Final = np.iinfo(np.int64).max
#: What expired is looked for this often at most; a list made in between leaves it out by its time.
_EXPIRY_STEP_MS: Final = 1000
#: Rows that one look takes out of the index: other work gets its turn.
_AT_ONCE: Final = 256


@compiled
def turned(
    available: NDArray[np.bool_], expires_ms: NDArray[np.int64], shown: NDArray[np.bool_], now_ms: int
) -> tuple[NDArray[np.int64], int]:
    """Up to _AT_ONCE rows that are shown and must not be, or the other way round; and when to look again."""
    found, count, next_ms = np.empty(_AT_ONCE, np.int64), 0, NEVER
    for row in range(len(shown)):
        can_be = available[row] and expires_ms[row] > now_ms
        if can_be != shown[row]:
            if count == len(found):
                return found, now_ms
            found[count] = row
            count += 1
        if can_be:
            next_ms = min(next_ms, expires_ms[row])
    return found[:count], max(next_ms, now_ms + _EXPIRY_STEP_MS)
