"""The dials of a user: how much more or less of an item, an owner or a category the user wants (`prefer`)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.item import key_of
from sightline_client.privacy import DIALS_LIMIT

#: One dial: the key of its name (an item, owner or category), and its weight, -1 to 1, never 0.
DIAL = np.dtype([("key", "<u8"), ("weight", "<f4")])
NO_DIALS = np.empty(0, DIAL)
#: The weight of what must not be shown.
NEVER = -1.0
#: How many dials of this weight are kept; the limit of the others is DIALS_LIMIT.
NEVERS_LIMIT = 1024


def turn(dials: NDArray[np.void], named: Sequence[tuple[str, float]]) -> NDArray[np.void]:
    """The dials after the named ones are set, the latest last; 0 removes a dial.

    Over DIALS_LIMIT the oldest drop out; what is never wanted stays, for it has a limit of its own.

    >>> turned = turn(turn(NO_DIALS, [("shoes", 0.5), ("hats", -1)]), [("shoes", 1), ("hats", 0)])
    >>> turned["key"].tolist() == [key_of("shoes")], turned["weight"].tolist()
    (True, [1.0])
    """
    new = np.array(list({key_of(name): weight for name, weight in named}.items()), DIAL)
    kept = dials[~np.isin(dials["key"], new["key"])]
    turned: NDArray[np.void] = np.concatenate([kept, new[new["weight"] != 0]])
    never = turned["weight"] <= NEVER
    room = np.where(never, _later(never) < NEVERS_LIMIT, _later(~never) < DIALS_LIMIT)
    return turned[room]


def _later(marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many marked ones follow each place."""
    later: NDArray[np.int64] = marked.sum() - marked.cumsum()
    return later


def weights_of(dials: NDArray[np.void], keys: NDArray[np.uint64]) -> NDArray[np.float32]:
    """The weight of the dial for each of `keys` [n]: float32 [n], 0 for keys without one; `dials` is not empty."""
    # np.sort by a field takes five times as long.
    ordered = dials[np.argsort(dials["key"])]
    indices = np.minimum(np.searchsorted(ordered["key"], keys), len(ordered) - 1)
    weights: NDArray[np.float32] = np.where(ordered["key"][indices] == keys, ordered["weight"][indices], np.float32(0))
    return weights
