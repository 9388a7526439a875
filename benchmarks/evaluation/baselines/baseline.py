"""What a method must do to be compared with the product's lists."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Baseline(Protocol):
    """A method over n items by number. It learns what users choose, and scores all items for a user."""

    def learn(self, user: str, item: int, before: Sequence[int], /) -> None:
        """The user chose an item, after those of `before`, the latest last."""
        ...

    def train(self, histories: Mapping[str, Sequence[int]], /) -> None:
        """Fit a model to all histories so far; called a few times in a log. Methods without a model do nothing."""
        ...

    def scores(self, user: str, recent: Sequence[int], /) -> NDArray[np.float32]:
        """A score of each item, float32 [n], for a user whose last choices are `recent`, the latest last."""
        ...
