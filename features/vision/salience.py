"""A salience map → the parts of a picture in which something lies."""

from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.box import LEAST_SIDE
from features.vision.grounds import PLAIN, contrast
from sightline_client.events import Box

Map: TypeAlias = NDArray[np.float32]

#: Points a side that the map is drawn with, so that a box may end between two of its cells.
_POINTS: Final = 28
#: A point stands out that is this many standard deviations above the mean of the map.
_STANDS_OUT: Final = 0.75
#: A part counts that has this share of the salience of the largest.
_LEAST_SHARE: Final = 0.3
_NEXT: Final = ((-1, 0), (1, 0), (0, -1), (0, 1))


def shows_nothing(pixels: NDArray[np.uint8]) -> bool:
    """Whether a picture, uint8 [H, W, 3], is of next to one colour: a network finds its middle salient all the same."""
    return contrast(Image.fromarray(pixels)) < PLAIN


def salient_boxes(salience: Map, width: int, height: int, *, limit: int) -> tuple[Box, ...]:
    """The boxes of the parts that stand out of a map float32 [n, n] of a picture of width × height, the most first.

    They are the connected parts above a threshold, as those of class activation maps (Zhou, Khosla, Lapedriza, Oliva
    and Torralba 2016). A box has LEAST_SIDE pixels a side at least; there is none in a map without a difference.
    """
    drawn = Image.fromarray(salience).resize((_POINTS, _POINTS), Image.Resampling.BILINEAR)
    values = np.asarray(drawn, dtype=np.float64)
    above = values - values.min()
    parts = sorted(_parts(values > values.mean() + _STANDS_OUT * values.std()), key=lambda part: -above[part].sum())
    chosen = [part for part in parts if above[part].sum() >= _LEAST_SHARE * above[parts[0]].sum()]
    boxes = map(_box, chosen)
    return tuple(box for box in boxes if min(box.width * width, box.height * height) >= LEAST_SIDE)[:limit]


def _parts(stands_out: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """The parts of points that touch each other by a side, each bool [n, n]."""
    left = set(zip(*map(np.ndarray.tolist, np.nonzero(stands_out)), strict=True))
    while left:
        part, edge = np.zeros_like(stands_out), [left.pop()]
        while edge:
            y, x = edge.pop()
            part[y, x] = True
            near = {(y + dy, x + dx) for dy, dx in _NEXT} & left
            left -= near
            edge.extend(near)
        yield part


def _box(part: NDArray[np.bool_]) -> Box:
    ys, xs = (np.flatnonzero(part.any(axis=axis)) for axis in (1, 0))
    (left, width), (top, height) = ((int(at[0]) / _POINTS, (int(at[-1]) + 1 - int(at[0])) / _POINTS) for at in (xs, ys))
    return Box(x=left, y=top, width=width, height=height)
