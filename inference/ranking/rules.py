"""What holds for every list whatever its candidates are: how much of it explores, and how much may be of one kind."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from features.jit import compiled


@dataclass(frozen=True, slots=True)
class ListRules:
    """`explore_share` of the slots, 0 to 0.5, may be given to items that few have met.

    A list has at most `category_cap` slots of one category, and `owner_cap` of one owner, as long as there is anything
    else; None: no limit. Items without a category, or without an owner, are of no kind. With `cross` lists may
    have what has an interest's look in other categories.
    """

    explore_share: float = 0.1
    category_cap: int | None = None
    owner_cap: int | None = None
    cross: bool = False

    def explore_slots(self, length: int) -> NDArray[np.int64]:
        """The slots, from 0, that may explore in a list of `length`: in no first part of it are they above the share.

        >>> ListRules(0.1).explore_slots(20).tolist(), ListRules(0.3).explore_slots(10).tolist()
        ([9, 19], [3, 6, 9])
        """
        return _explore_slots(self.explore_share, length)

    def caps(self, length: int) -> tuple[int, int]:
        """The most slots of one category and of one owner; more than the `length` of the list where there is no cap."""
        return self.category_cap or length + 1, self.owner_cap or length + 1


@cache
def _explore_slots(share: float, length: int) -> NDArray[np.int64]:
    # 0.3 * 10 is above 3 as a binary fraction, and 0.1 * 30 below 3.
    ends = np.arange(1, length + 1) * share + 1e-9
    return np.flatnonzero(np.diff(np.floor(ends), prepend=0.0))


@compiled
def has_room(
    row: int,
    taken: NDArray[np.int64],
    categories: NDArray[np.int32],
    owners: NDArray[np.uint64],
    category_cap: int,
    owner_cap: int,
) -> bool:
    """Whether a list with the rows `taken` [n] has room for one more `row` of its category and owner."""
    of_category = of_owner = 0
    for other in taken:
        of_category += categories[other] == categories[row]
        of_owner += owners[other] == owners[row]
    return bool((categories[row] < 0 or of_category < category_cap) and (owners[row] == 0 or of_owner < owner_cap))
