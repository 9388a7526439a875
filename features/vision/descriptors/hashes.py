"""Hashes: 192 bits that stay when a picture is saved again, scaled, or made a little brighter.

Average and perceptual hash: Zauner 2010, "Implementation and benchmarking of perceptual image hash functions";
difference hash: Krawetz 2013, "Kind of like that".
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.descriptors.views import Views

_SIDE = 8
_WAVES = 32
SIZE = 3 * _SIDE * _SIDE


def describe(views: Views) -> NDArray[np.uint8]:
    """The bits [SIZE] of the average, the difference and the perceptual hash."""
    hashes = (_average(views.small), _difference(views.small), _perceptual(views.small))
    return np.concatenate([bits.ravel() for bits in hashes]).astype(np.uint8)


def _average(grey: Image.Image) -> NDArray[np.bool_]:
    """Which of 8 × 8 cells are brighter than all together."""
    cells = _means(grey, _SIDE, _SIDE)
    brighter: NDArray[np.bool_] = cells > cells.mean()
    return brighter


def _difference(grey: Image.Image) -> NDArray[np.bool_]:
    """Which of 8 × 9 cells are darker than the next one to the right."""
    return np.diff(_means(grey, _SIDE, _SIDE + 1), axis=1) > 0


def _perceptual(grey: Image.Image) -> NDArray[np.bool_]:
    """Which of the 8 × 8 lowest waves of a cosine transform, without the constant ones, are above their median."""
    # Rounded, so that a picture of one colour has no waves of rounding errors.
    waves = np.rint(_COSINES @ _means(grey, _WAVES, _WAVES) @ _COSINES.T)
    above: NDArray[np.bool_] = waves > np.median(waves)
    return above


def _means(grey: Image.Image, rows: int, columns: int) -> NDArray[np.float32]:
    """The mean of each of rows × columns cells, rounded."""
    return np.asarray(grey.resize((columns, rows), Image.Resampling.BOX), np.float32)


def _cosines() -> NDArray[np.float32]:
    """The waves 1 to 8 of DCT-II over _WAVES places, [8, _WAVES]."""
    waves, places = np.arange(1, _SIDE + 1)[:, None], np.arange(_WAVES)
    return np.cos(np.pi / _WAVES * waves * (places + 0.5)).astype(np.float32)


_COSINES = _cosines()
