"""Blur by the steepest edges: which share of an edge lies between two neighbouring pixels.

In each of the tiles with most edges, the most that neighbours differ is divided by the most that pixels four apart
differ. A step gives 1, a sharp photo about 0.5, a blurred one less than 0.35, and 0.25 is the least that a straight
slope gives. A shaken camera blurs along one direction only, so the least of four directions counts. (Crete et al. 2007,
"The blur effect", compares neighbours before and after a blur likewise, but their mean, and along two directions.)
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from features.vision.gate.exposure import is_plain
from features.vision.gate.views import GateView

_AXES: Final = ((0, 1), (1, 0))
_DIAGONALS: Final = ((1, 1), (1, -1))
#: Neighbours on a diagonal are further from each other, so they differ more.
_DIAGONAL: Final = 0.85
_FAR: Final = 4
#: Less than 1 % of everyday photos and catalogue pictures have less; so have 2.5 % of shelf photos, many blurred ones.
_LEAST_STEEPNESS: Final = 0.35
_TILE: Final = 24
#: Tiles that are judged, those with most edges: a plain wall is not blurred.
_JUDGED: Final = 20


def is_blurred(view: GateView) -> bool:
    """Whether the sharpest edges of a picture are blurred; a plain picture has none."""
    return not is_plain(view) and steepness(view.grey) < _LEAST_STEEPNESS


def steepness(grey: Image.Image) -> float:
    """The share of an edge of a picture in mode L that lies between two neighbours, where that is least: 0 to 1."""
    tiles = _edged_tiles(grey)
    shares = np.median([_shares(tiles, *step) for step in (*_AXES, *_DIAGONALS)], axis=1)
    return float(min(*shares[: len(_AXES)], *(_DIAGONAL * shares[len(_AXES) :])))


def _shares(tiles: NDArray[np.int16], down: int, across: int) -> NDArray[np.float64]:
    near, far = _most(tiles, down, across), _most(tiles, _FAR * down, _FAR * across)
    shares: NDArray[np.float64] = near / np.maximum(far, 1)
    return shares


def _most(tiles: NDArray[np.int16], down: int, across: int) -> NDArray[np.int16]:
    """How much a pixel differs at most from the one `down` and `across` from it, in each tile [n]."""
    there = tiles[:, _FAR + down : _FAR + down + _TILE, _FAR + across : _FAR + across + _TILE]
    most: NDArray[np.int16] = np.abs(there - tiles[:, _FAR:-_FAR, _FAR:-_FAR]).reshape(len(tiles), -1).max(axis=1)
    return most


def _edged_tiles(grey: Image.Image) -> NDArray[np.int16]:
    """The tiles with most edges, and _FAR pixels around each: [n, _TILE + 2 _FAR, _TILE + 2 _FAR]."""
    whole = _TILE + 2 * _FAR
    if min(grey.size) < whole:
        grey = grey.resize((max(whole, grey.width), max(whole, grey.height)))
    columns, rows = ((length - 2 * _FAR) // _TILE for length in grey.size)
    box = (_FAR, _FAR, _FAR + columns * _TILE, _FAR + rows * _TILE)
    inner, found = grey.crop(box), np.zeros((rows, columns), np.int16)
    for across, down in ((_FAR, 0), (0, _FAR)):
        moved = grey.crop((box[0] + across, box[1] + down, box[2] + across, box[3] + down))
        found += np.asarray(ImageChops.difference(inner, moved).reduce(_TILE))
    chosen = np.argsort(-found.ravel(), kind="stable")[:_JUDGED]
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(grey), (whole, whole))
    return windows[chosen // columns * _TILE, chosen % columns * _TILE].astype(np.int16)
