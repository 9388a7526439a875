"""What most users chose, ever or recently."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

#: Choices after which one counts half, where only recent ones count.
RECENT_HALF_LIFE = 2_000
_LARGE = 1e6


class Popular:
    """Counts of choices; with a half-life, in choices of all users, those of the recent past."""

    def __init__(self, items: int, *, half_life: float = float("inf")) -> None:
        self._counts = np.zeros(items)
        self._growth = 2 ** (1 / half_life)
        self._worth = 1.0

    def learn(self, _user: str, item: int, _before: Sequence[int]) -> None:
        """See Baseline. Later choices weigh more, which orders items as if earlier ones faded."""
        self._counts[item] += self._worth
        self._worth *= self._growth
        if self._worth > _LARGE:
            self._counts /= self._worth
            self._worth = 1.0

    def train(self, _histories: Mapping[str, Sequence[int]]) -> None:
        """See Baseline."""

    def scores(self, _user: str, _recent: Sequence[int]) -> NDArray[np.float32]:
        """See Baseline."""
        return self._counts.astype(np.float32)
