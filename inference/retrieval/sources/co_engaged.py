"""What other users chose after the items that a user engaged with last."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.behaviour import Behaviour, strengths
from features.jit import compiled
from features.ledger import all_entries
from features.profile import Profile, liked
from inference.retrieval.merge import NO_ROWS, Proposals
from inference.retrieval.query import Query
from inference.retrieval.tastes import RECENT_DECAY

RECENT_COUNT = 5
_NOTHING = Proposals((NO_ROWS,))


def recent_items(profile: Profile) -> list[int]:
    """The keys of the items whose behaviour is needed, the latest first."""
    recent: list[int] = liked(profile)["item"][: -RECENT_COUNT - 1 : -1].tolist()
    return recent


def propose(query: Query) -> Proposals:
    """For each user what follows the latest items; the strengths are shares, less for older items."""
    latest = [
        (user, age, key) for user, each in enumerate(query.profiles) for age, key in enumerate(recent_items(each))
    ]
    origins = query.catalog.rows_of(np.array([key for _, _, key in latest], np.uint64)).tolist()
    steps: list[tuple[int, int, int]] = []
    found: list[Behaviour] = []
    for (user, age, key), origin in zip(latest, origins, strict=True):
        behaviour = query.behaviours.get(key)
        # An item that left the catalogue shapes no list, and could not be named as a reason.
        if origin >= 0 and behaviour is not None:
            steps.append((user, age, origin))
            found.append(behaviour)
    if not found:
        return _NOTHING
    rows = query.catalog.rows_of(all_entries(each.neighbours for each in found)["item"])
    counts = np.array([len(each.neighbours) for each in found])
    weakened, followed, bounds = _spread(np.array(steps), counts, strengths(found), len(query.profiles))
    return Proposals([rows[start:end] for start, end in pairwise(bounds.tolist())], weakened, followed)


@compiled
def _spread(
    steps: NDArray[np.int64], counts: NDArray[np.int64], strengths: NDArray[np.float32], users: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]:
    """Weakened strengths [m], origins [m], and the bounds of each user's [users + 1].

    Each step (user, age, origin), by user, has `counts` of the `strengths` [m].
    """
    weakened, origins, bounds = strengths.copy(), np.empty(len(strengths), np.int64), np.zeros(users + 1, np.int64)
    end = 0
    for step in range(len(steps)):
        start, end = end, end + counts[step]
        origins[start:end] = steps[step, 2]
        weakened[start:end] *= np.float32(RECENT_DECAY) ** steps[step, 1]
        bounds[steps[step, 0] + 1] = end
    for user in range(users):
        bounds[user + 1] = max(bounds[user + 1], bounds[user])
    return weakened, origins, bounds
