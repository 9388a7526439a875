"""The ids of a catalogue's items by row, in one piece of memory: a third of what as many strings take."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

_LENGTH_BITS: Final = 24
_LENGTH: Final = (1 << _LENGTH_BITS) - 1
#: So many are kept as strings, too: a few thousand items stand in most lists.
_AT_HAND_LIMIT: Final = 16_384


class ItemIds:
    """A list of ids, by rows from 0, that may be given other ids."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._text = bytearray()
        #: Where each id begins in the text, and how many bytes it has, in one number.
        self._places = array("Q")
        self._unused = 0
        self._at_hand: dict[int, str] = {}
        for item_id in ids:
            self.append(item_id)

    @classmethod
    def unpacked(cls, text: bytes, places: bytes) -> "ItemIds":
        """What `packed` gave."""
        ids = cls()
        ids._text += text
        ids._places.frombytes(places)
        return ids

    def packed(self) -> tuple[bytes, bytes]:
        """All of them, for `unpacked` on a machine like this one."""
        self._pack()
        return bytes(self._text), self._places.tobytes()

    def append(self, item_id: str) -> None:
        """Give the next row its id."""
        text = item_id.encode()
        self._places.append(len(self._text) << _LENGTH_BITS | len(text))
        self._text += text

    def __getitem__(self, row: int) -> str:
        item_id = self._at_hand.get(row)
        if item_id is None:
            if len(self._at_hand) >= _AT_HAND_LIMIT:
                self._at_hand.clear()
            item_id = self._at_hand[row] = self._unpacked(row)
        return item_id

    def __setitem__(self, row: int, item_id: str) -> None:
        if self._unpacked(row) == item_id:
            return
        self._at_hand.pop(row, None)
        text = item_id.encode()
        self._unused += self._places[row] & _LENGTH
        self._places[row] = len(self._text) << _LENGTH_BITS | len(text)
        self._text += text
        if self._unused > len(self._text) // 2:
            self._pack()

    def __iter__(self) -> Iterator[str]:
        return (self._unpacked(row) for row in range(len(self)))

    def __len__(self) -> int:
        return len(self._places)

    def _unpacked(self, row: int) -> str:
        place = self._places[row]
        start = place >> _LENGTH_BITS
        return self._text[start : start + (place & _LENGTH)].decode()

    def _pack(self) -> None:
        """Drop what no row has any more."""
        if self._unused:
            fresh = ItemIds(self)
            self._text, self._places, self._unused = fresh._text, fresh._places, 0
