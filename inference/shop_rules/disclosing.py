"""Says in a slot's reasons that the shop put the item there: those who read a list see what was promoted."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.recommendation import Reason
from inference.retrieval.query import Query


def disclose(
    reasons: Sequence[list[Reason]], query: Query, promoted: NDArray[np.int32], picked: NDArray[np.int64]
) -> None:
    """Give the reason `promoted`, as the first one, to the slots that a rule decided.

    `reasons` are those of the filled slots of the lists `picked` int64 [u, l], one list after the other; `promoted`
    int32 [m] has the rule by candidate, or -1; it may be empty without rules.
    """
    if query.shop is None:
        return
    of_rule = query.shop.file.reasons
    for why, number in zip(reasons, promoted.take(picked[picked >= 0]).tolist(), strict=True):
        if number >= 0:
            why.insert(0, of_rule[number])
