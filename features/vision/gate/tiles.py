"""Parts that together show all of a picture, for models that look at squares."""

from math import ceil
from typing import Final

#: Tiles overlap by this share of their side at least, so that a line of text is cut by none, or stays wide.
_OVERLAP: Final = 0.5
#: Tiles of a picture, at most. Those of one that is over 4.5 times as long as it is wide overlap less, and those of one
#: that is over 8 times as long are longer than wide.
MOST_TILES: Final = 8


def tiles(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Parts as wide as a picture's shorter side, evenly along the longer one: left, top, right and bottom of each.

    They are squares, unless so many would not show all of it.

    >>> tiles((300, 200)), len(tiles((200, 200))), len(tiles((160, 90))), len(tiles((2000, 100)))
    ([(0, 0, 200, 200), (100, 0, 300, 200)], 1, 3, 8)
    """
    width, height = size
    side = min(size)
    length = max(side, ceil(max(size) / MOST_TILES))
    beyond = max(size) - length
    count = min(1 + ceil(beyond / side / (1 - _OVERLAP)), MOST_TILES)
    starts = [round(beyond * number / max(count - 1, 1)) for number in range(count)]
    if width > height:
        return [(start, 0, start + length, side) for start in starts]
    return [(0, start, side, start + length) for start in starts]
