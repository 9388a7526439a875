"""Says in a slot's reasons that the shop put the item there: those who read a list see what was promoted."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from features.recommendation import Reason, RecommendedItem
from inference.ranking.reasons import rounded
from inference.retrieval.query import Query
from inference.shop_rules.rules import Boost

#: The source that is credited with a slot that a promotion has.
PROMOTED = "promoted"


def disclose(
    items: Sequence[list[RecommendedItem]],
    query: Query,
    picked: NDArray[np.int64],
    promoted: NDArray[np.int32],
    placed: NDArray[np.bool_],
) -> None:
    """Give the reason `promoted`, as the first one, to the slots that a rule decided.

    `items` are those of the lists `picked` int64 [u, l]; `promoted` int32 [m] has the rule by candidate, or -1;
    `placed` bool [u, l] are the slots that promotions have.
    """
    shop = query.shop
    if shop is None:
        return
    for user, slot in np.argwhere((picked >= 0) & (promoted.take(picked) >= 0)).tolist():
        rule, item = shop.rules[promoted[picked[user, slot]]], items[user][slot]
        strength = rounded(np.float32(rule.weight)) if isinstance(rule, Boost) else None
        reason = Reason(code="promoted", rule=rule.name, strength=strength)
        source = PROMOTED if placed[user, slot] else item.source
        items[user][slot] = replace(item, source=source, reasons=[reason, *item.reasons])
