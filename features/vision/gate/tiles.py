"""Squares that together show all of a picture, for models that look at squares."""

from math import ceil
from typing import Final

#: Tiles overlap by this share of their side at least, so that a line of text is cut by none, or stays wide.
_OVERLAP: Final = 0.5
#: Tiles of a picture, at most. Those of one that is over 4.5 times as long as it is wide overlap less.
MOST_TILES: Final = 8


def tiles(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Squares as large as a picture's shorter side, evenly along the longer one: left, top, right and bottom of each.

    >>> tiles((300, 200)), len(tiles((200, 200))), len(tiles((160, 90))), len(tiles((2000, 100)))
    ([(0, 0, 200, 200), (100, 0, 300, 200)], 1, 3, 8)
    """
    width, height = size
    side, beyond = min(size), abs(width - height)
    count = min(1 + ceil(beyond / side / (1 - _OVERLAP)), MOST_TILES)
    starts = [round(beyond * number / max(count - 1, 1)) for number in range(count)]
    places = [(start, 0) if width > height else (0, start) for start in starts]
    return [(left, top, left + side, top + side) for left, top in places]
