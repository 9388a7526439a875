"""A user's own dials: how much more or less of an item, an owner or a category they asked for (`prefer`)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.item import key_of

#: One dial: the key of the name it was given by, and its weight, -1 to 1, never 0.
DIAL = np.dtype([("key", "<u8"), ("weight", "<f4")])
NO_DIALS = np.empty(0, DIAL)
DIALS_LIMIT = 32
#: The weight of what is not to be shown at all.
NEVER = -1.0


def turn(dials: NDArray[np.void], named: Sequence[tuple[str, float]]) -> NDArray[np.void]:
    """The dials after these were set, the latest last; 0 removes one, and over DIALS_LIMIT the oldest leave.

    >>> turned = turn(turn(NO_DIALS, [("shoes", 0.5), ("hats", -1)]), [("shoes", 1), ("hats", 0)])
    >>> turned["key"].tolist() == [key_of("shoes")], turned["weight"].tolist()
    (True, [1.0])
    """
    new = np.array(list({key_of(name): weight for name, weight in named}.items()), DIAL)
    kept = dials[~np.isin(dials["key"], new["key"])]
    turned: NDArray[np.void] = np.concatenate([kept, new[new["weight"] != 0]])[-DIALS_LIMIT:]
    return turned


def weights_of(dials: NDArray[np.void], keys: NDArray[np.uint64]) -> NDArray[np.float32]:
    """The weight that `dials`, of which there are some, give each of `keys` [n]: float32 [n], 0 where none."""
    # np.sort by a field takes five times as long.
    ordered = dials[np.argsort(dials["key"])]
    places = np.minimum(np.searchsorted(ordered["key"], keys), len(ordered) - 1)
    weights: NDArray[np.float32] = np.where(ordered["key"][places] == keys, ordered["weight"][places], np.float32(0))
    return weights
