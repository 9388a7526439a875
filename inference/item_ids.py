"""The ids of a catalogue's items by row, in one piece of memory: a third of what as many strings take."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

_LENGTH_BITS: Final = 24
_LENGTH: Final = (1 << _LENGTH_BITS) - 1


class ItemIds:
    """A list of ids whose rows may be given other ids."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._text = bytearray()
        #: Where each id begins in the text, and how many bytes it has, in one number.
        self._places = array("Q")
        self._unused = 0
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
        place = self._places[row]
        start = place >> _LENGTH_BITS
        return self._text[start : start + (place & _LENGTH)].decode()

    def __setitem__(self, row: int, item_id: str) -> None:
        if self[row] == item_id:
            return
        text = item_id.encode()
        self._unused += self._places[row] & _LENGTH
        self._places[row] = len(self._text) << _LENGTH_BITS | len(text)
        self._text += text
        if self._unused > len(self._text) // 2:
            self._pack()

    def __iter__(self) -> Iterator[str]:
        return (self[row] for row in range(len(self)))

    def __len__(self) -> int:
        return len(self._places)

    def _pack(self) -> None:
        """Drop what no row has any more."""
        if self._unused:
            fresh = ItemIds(self)
            self._text, self._places, self._unused = fresh._text, fresh._places, 0
