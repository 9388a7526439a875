"""Which categories users choose together, as the last steps of all users say."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from inference.behaviour.recent_steps import BEFORE, ITEM, RecentSteps
from inference.catalog.catalog import Catalog

#: By the code of a category those of its companions, the strongest first, each with its share of that one's strength.
Companions: TypeAlias = Mapping[int, Mapping[int, float]]

#: Steps that are looked at, how many of its user's steps before are near a step, and companions of a category.
STEPS = 4096
NEAR = 5
COMPANIONS_LIMIT = 3
#: Fewer pairs of steps than this are chance.
_FEW = 3
_WINDOW = np.array([ITEM, *range(BEFORE, BEFORE + NEAR)])


def find_companions(recent: RecentSteps, catalog: Catalog) -> Companions:
    """For each category the others that users choose around it, more than the sizes of the two explain.

    The strength is n(a, b) / √(n(a) · n(b)), where n counts pairs of steps of one user that are near each other.
    """
    one, other = _pairs(recent, catalog)
    size = len(catalog.category_names)
    pairs, counts = np.unique(one * size + other, return_counts=True)
    one, other = np.divmod(pairs, max(size, 1))
    totals = np.bincount(one, counts)
    strengths = counts / np.sqrt(totals[one] * totals[other])
    found: dict[int, dict[int, float]] = defaultdict(dict)
    usable = np.flatnonzero((one != other) & (counts >= _FEW))
    for place in usable[np.argsort(-strengths[usable], kind="stable")].tolist():
        own = found[int(one[place])]
        if len(own) < COMPANIONS_LIMIT:
            own[int(other[place])] = float(strengths[place])
    return {code: {each: own[each] / max(own.values()) for each in own} for code, own in found.items()}


def _pairs(recent: RecentSteps, catalog: Catalog) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The categories of the last steps [n] and of those before each of them [n], both ways round."""
    numbers = recent.latest(STEPS)[:, _WINDOW]
    rows = catalog.rows_of(recent.items.keys[numbers.ravel()]).reshape(numbers.shape)
    codes = np.where((rows >= 0) & (numbers > 0), catalog.categories[rows], -1).astype(np.int64)
    here, before = (each.ravel() for each in np.broadcast_arrays(codes[:, :1], codes[:, 1:]))
    known = (here >= 0) & (before >= 0)
    here, before = here[known], before[known]
    return np.concatenate([here, before]), np.concatenate([before, here])
