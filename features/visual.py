"""The colours a person would name in a picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Names with the sRGB value that stands for each; the nearest in CIELAB wins.
_PALETTE = {
    "black": (18, 18, 20),
    "grey": (128, 128, 128),
    "white": (245, 245, 245),
    "red": (205, 30, 40),
    "burgundy": (105, 20, 40),
    "pink": (240, 150, 180),
    "orange": (240, 130, 30),
    "brown": (110, 70, 40),
    "beige": (222, 200, 165),
    "yellow": (245, 215, 50),
    "olive": (120, 120, 45),
    "green": (40, 140, 60),
    "turquoise": (50, 190, 185),
    "light blue": (150, 195, 235),
    "blue": (35, 85, 200),
    "navy": (22, 32, 85),
    "purple": (120, 50, 150),
}
COLOUR_NAMES = tuple(_PALETTE)
_STEP = 4
_BORDER = 2
_ALIKE = 12.0
_WHOLE_BORDER = 0.6
_LEAST_SUBJECT = 0.05


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour's name, the mean of its pixels as #rrggbb, and its share of the subject, 0..1."""

    name: str
    hex: str
    share: float


def dominant_colours(pixels: NDArray[np.uint8], *, limit: int = 3, least: float = 0.1) -> tuple[Colour, ...]:
    """Return the subject's colours, the largest first; `pixels` is uint8 [H, W, 3].

    When most of the border has one colour it is taken for background and left out.

    >>> shirt = np.full((224, 224, 3), 250, np.uint8)  # a white wall,
    >>> shirt[40:200, 40:200] = (200, 30, 40)          # a red shirt
    >>> shirt[40:80, 40:200] = (20, 30, 90)            # with a navy yoke
    >>> [(c.name, c.hex, c.share) for c in dominant_colours(shirt)]
    [('red', '#c81e28', 0.75), ('navy', '#141e5a', 0.25)]
    """
    small = pixels[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP]
    if small.size == 0:
        small = pixels
    lab = _lab(small)
    subject = _subject(lab)
    rgb, lab = small[subject], lab[subject]
    names = (_PALETTE_LENGTHS - 2 * lab @ _PALETTE_LAB.T).argmin(axis=1)  # |a - b|² less the common |a|²
    counts = np.bincount(names, minlength=len(COLOUR_NAMES))
    colours = []
    for index in np.argsort(-counts, kind="stable")[:limit]:
        share = float(counts[index] / len(names))
        if share >= least:
            red, green, blue = np.rint(rgb[names == index].mean(axis=0)).astype(int)
            colours.append(Colour(COLOUR_NAMES[index], f"#{red:02x}{green:02x}{blue:02x}", round(share, 3)))
    return tuple(colours)


def _subject(lab: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark what is not background, bool [H, W]; everything, where the border has no one colour."""
    whole = np.ones(lab.shape[:2], dtype=bool)
    if min(whole.shape) <= 2 * _BORDER:
        return whole
    edge = whole.copy()
    edge[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    wall = np.median(lab[edge], axis=0)
    like_wall = ((lab - wall) ** 2).sum(axis=2) < _ALIKE**2
    subject: NDArray[np.bool_] = ~like_wall
    if like_wall[edge].mean() < _WHOLE_BORDER or subject.mean() < _LEAST_SUBJECT:
        return whole
    return subject


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert sRGB [..., 3] to CIELAB under D65, where distances are near what the eye sees."""
    xyz = _LINEAR[rgb] @ _TO_XYZ
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.stack((116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])), axis=-1)
    return lab.astype(np.float32)


def _linear_light() -> NDArray[np.float32]:
    encoded = np.arange(256) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


_LINEAR = _linear_light()
_TO_XYZ = np.array([[0.4339, 0.2127, 0.0178], [0.3762, 0.7152, 0.1095], [0.1899, 0.0722, 0.8727]], dtype=np.float32)
_PALETTE_LAB = _lab(np.array(list(_PALETTE.values()), dtype=np.uint8))
_PALETTE_LENGTHS = (_PALETTE_LAB**2).sum(axis=1)
