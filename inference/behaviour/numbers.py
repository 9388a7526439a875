"""Small numbers for keys, so that arrays can be indexed by them."""

import numpy as np
from numpy.typing import NDArray

from inference.catalog.key_table import KeyedRows


class Numbers:
    """A number from 1 to `most` for each key; one that is given back is given to another key later. 0 is no key.

    `keys` uint64 [most + 1] has the key of each number.
    """

    def __init__(self, most: int) -> None:
        self.keys = np.zeros(most + 1, np.uint64)
        self._table = KeyedRows()
        #: Numbers that were given back, and how many of the places hold one.
        self._free, self._free_count = np.zeros(most, np.int64), 0
        self._highest = 0

    def __len__(self) -> int:
        return len(self._table)

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The number of each key [n], 0 for one that has none."""
        return np.maximum(self._table.find(keys), 0)

    def give(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The number of each key [n]; keys without one are given one."""
        numbers = self.find(keys)
        unknown = np.unique(keys[numbers == 0])
        if not len(unknown):
            return numbers
        new = self._take(len(unknown))
        self.keys[new] = unknown
        self._table.put(unknown, new)
        return self.find(keys)

    def give_back(self, numbers: NDArray[np.int64]) -> None:
        """Forget the keys of these numbers [n], each once, that keys have."""
        self._table.remove(self.keys[numbers])
        self._free[self._free_count : self._free_count + len(numbers)] = numbers
        self._free_count += len(numbers)

    def _take(self, count: int) -> NDArray[np.int64]:
        used = min(count, self._free_count)
        self._free_count -= used
        again = self._free[self._free_count : self._free_count + used]
        new = np.arange(self._highest + 1, self._highest + 1 + count - used)
        self._highest += len(new)
        return np.concatenate([again, new])
