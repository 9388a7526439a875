"""The attributes of items as numbers: a pair of key and value is a code, as long as an item has it."""

from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inference.catalog.arrays import room, roomier
from sightline_client.fields import ATTRIBUTES_LIMIT

#: The codes, counts and rows of AttributeRows, as compiled functions take them.
Columns: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32], int]
#: A pair: the key and the value.
_NO_PAIR = ("", "")


class AttributeRows:
    """The codes of each row's pairs, `codes` int32 [rows, limit]: from the left, 0 for none.

    `names` has the pair of each code, and `counts` int32 [codes] how many rows have it; `rows` have any. The code of a
    pair that no row has any more is given to another. Rows without attributes take no memory.
    """

    def __init__(self, limit: int = ATTRIBUTES_LIMIT) -> None:
        self.codes = room(np.int32, limit)
        self.counts = room(np.int32)
        self.names: list[tuple[str, str]] = [_NO_PAIR]
        self.rows = 0
        self._known: dict[tuple[str, str], int] = {}
        self._free: list[int] = []

    @classmethod
    def of(cls, stored: NDArray[np.int32], names: Sequence[tuple[str, str]]) -> Self:
        """The attributes of a snapshot: what `stored` and `names` were; raises ValueError unless they fit."""
        made = cls(stored.shape[1])
        if len(stored) and not 0 <= int(stored.min()) <= int(stored.max()) < len(names):
            raise ValueError("attributes have codes without names")
        made.codes = roomier(made.codes, len(stored))
        some = np.flatnonzero(stored[:, 0])
        made.codes[some] = stored[some]
        made.rows = len(some)
        made.counts = roomier(made.counts, len(names))
        made.counts[: len(names)] = np.bincount(stored[some].ravel(), minlength=len(names))
        made.counts[0] = 0
        made.names = list(names)
        made._known = {name: code for code, name in enumerate(names) if made.counts[code]}
        made._free = [code for code in range(1, len(names)) if not made.counts[code]]
        return made

    def put(self, row: int, attributes: Mapping[str, str]) -> None:
        """Give a row these attributes in place of those that it has."""
        self.codes = roomier(self.codes, row + 1)
        had = self.codes[row][self.codes[row] > 0].tolist()
        if not had and not attributes:
            return
        # The new ones first: the code of a pair that stays must not be freed.
        codes = [self._enter(pair) for pair in list(attributes.items())[: self.codes.shape[1]]]
        for code in had:
            self._leave(code)
        self.codes[row] = 0
        self.codes[row, : len(codes)] = codes
        self.rows += bool(codes) - bool(had)

    @property
    def columns(self) -> Columns:
        """What compiled functions read; not a copy."""
        return self.codes, self.counts, self.rows

    def have(self, rows: NDArray[np.int64], key: str, value: str) -> NDArray[np.bool_]:
        """Whether each row [n] has this value of this key, letter by letter."""
        code = self.code_of(key, value)
        if code is None:
            return np.zeros(len(rows), np.bool_)
        found: NDArray[np.bool_] = (self.codes[rows] == code).any(axis=1)
        return found

    def code_of(self, key: str, value: str) -> int | None:
        """The code of a pair; None while no row has it."""
        return self._known.get((key, value))

    def stored(self, count: int) -> NDArray[np.int32]:
        """The codes of the first rows: not a copy."""
        return self.codes[:count]

    def _enter(self, pair: tuple[str, str]) -> int:
        code = self._known.get(pair)
        if code is None:
            if self._free:
                code = self._free.pop()
                self.names[code] = pair
            else:
                code = len(self.names)
                self.names.append(pair)
                self.counts = roomier(self.counts, code + 1)
            self._known[pair] = code
        self.counts[code] += 1
        return code

    def _leave(self, code: int) -> None:
        self.counts[code] -= 1
        if not self.counts[code]:
            del self._known[self.names[code]]
            self.names[code] = _NO_PAIR
            self._free.append(code)
