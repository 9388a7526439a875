"""Names of the dominant colours of a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Colour names with a typical sRGB value; a pixel gets the name of the nearest in CIELAB, of these and of `_SHADES`.
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
#: Further values of names that people say of colours far from the typical one, which were else called grey or yellow.
_SHADES = (
    ("turquoise", (5, 115, 120)),
    ("blue", (70, 120, 170)),
    ("green", (120, 200, 80)),
    ("green", (90, 130, 70)),
    ("green", (30, 80, 45)),
    ("purple", (150, 105, 160)),
    ("purple", (195, 165, 215)),
    ("purple", (75, 40, 85)),
    ("pink", (225, 50, 130)),
)
#: What the share of each of COLOUR_NAMES counts where people name a colour: neutrals say little beside another.
_NAMING = tuple(1 / 3 if name in {"black", "grey", "white", "beige"} else 1.0 for name in COLOUR_NAMES)
_STEP = 4
#: Bits of each channel that count; the steps are too small to see.
CELL_BITS = 6
_BORDER = 2
#: How far apart in CIELAB two colours are of which people often call one by the name of the other.
_NEAR = 30.0
_ALIKE = 12.0
_WHOLE_BORDER = 0.6
_LEAST_SUBJECT = 0.05


@dataclass(frozen=True, slots=True)
class Colour:
    """The name of a colour, and its share of the subject, 0..1."""

    name: str
    share: float


def dominant_colours(pixels: NDArray[np.uint8], *, limit: int = 3, least: float = 0.1) -> tuple[Colour, ...]:
    """Return the colours of the subject, the largest share first; `pixels` is uint8 [H, W, 3].

    If most of the border has one colour, that colour is background and does not count.

    >>> shirt = np.full((224, 224, 3), 250, np.uint8)  # a white wall,
    >>> shirt[40:200, 40:200] = (200, 30, 40)          # a red shirt
    >>> shirt[40:80, 40:200] = (20, 30, 90)            # with a navy yoke
    >>> [(c.name, c.share) for c in dominant_colours(shirt)]
    [('red', 0.75), ('navy', 0.25)]
    """
    cells = colour_cells(pixels)
    labs, names = _table()
    counts = np.bincount(names[cells[_subject(labs[cells])]], minlength=len(COLOUR_NAMES))
    shares = counts / counts.sum()
    largest = np.argsort(-counts, kind="stable")[:limit].tolist()
    return tuple(Colour(COLOUR_NAMES[at], round(float(shares[at]), 3)) for at in largest if shares[at] >= least)


def colour_cells(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The colour cell of every fourth pixel each way, from the upper bits of its channels; `pixels` uint8 [H, W, 3]."""
    small = pixels[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP]
    rgb = (small if small.size else pixels) >> (8 - CELL_BITS)
    red, green, blue = np.moveaxis(rgb, -1, 0).astype(np.uint32)
    cells: NDArray[np.uint32] = red << 2 * CELL_BITS | green << CELL_BITS | blue
    return cells


def _subject(lab: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Mark the pixels that are not background, bool [H, W]; all pixels if the border has no single colour."""
    whole = np.ones(lab.shape[:2], dtype=bool)
    if min(whole.shape) <= 2 * _BORDER:
        return whole
    edge = whole.copy()
    edge[_BORDER:-_BORDER, _BORDER:-_BORDER] = False
    border = np.sort(lab[edge], axis=0)
    from_wall = lab - border[len(border) // 2]
    like_wall = np.einsum("ijk,ijk->ij", from_wall, from_wall) < _ALIKE**2
    subject: NDArray[np.bool_] = ~like_wall
    if like_wall[edge].mean() < _WHOLE_BORDER or subject.mean() < _LEAST_SUBJECT:
        return whole
    return subject


def named_first(colours: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Colours with their shares in the order in which people name them: what is green and white is called green.

    A neutral gives way to a colour that has a third of its share or more, since light and shadow have its colour, too.

    >>> named_first([("beige", 0.42), ("green", 0.22), ("grey", 0.21)])
    [('green', 0.22), ('beige', 0.42), ('grey', 0.21)]
    >>> named_first([("black", 0.8), ("red", 0.15)])
    [('black', 0.8), ('red', 0.15)]
    """
    weights = dict(zip(COLOUR_NAMES, _NAMING, strict=True))
    return sorted(colours, key=lambda each: -each[1] * weights.get(each[0], 1.0))


def naming_weights() -> NDArray[np.float32]:
    """What the share of each of COLOUR_NAMES counts where people name a colour, float32 [17]; see `named_first`."""
    return np.array(_NAMING, np.float32)


@cache
def likeness_of_names() -> NDArray[np.float32]:
    """How near each two of COLOUR_NAMES are, float32 [17, 17]: 1 for the same, exp(-d²/2σ²) at the distance d."""
    palette = _lab(np.array(list(_PALETTE.values()), dtype=np.uint8))
    squared = ((palette[:, None] - palette) ** 2).sum(axis=-1)
    likeness: NDArray[np.float32] = np.exp(-squared / (2 * _NEAR**2)).astype(np.float32)
    return likeness


@cache
def _table() -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The CIELAB value, float32 [cells, 3], and the index of the name, uint8 [cells], of every colour cell."""
    levels = ((np.arange(1 << CELL_BITS) + 0.5) * 2 ** (8 - CELL_BITS)).astype(np.uint8)
    labs = _lab(np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3))
    named = (*_PALETTE.items(), *_SHADES)
    palette = _lab(np.array([rgb for _, rgb in named], dtype=np.uint8))
    numbers = np.array([COLOUR_NAMES.index(name) for name, _ in named], dtype=np.uint8)
    distances = (palette**2).sum(axis=1) - 2 * labs @ palette.T  # |a - b|² less the common |a|²
    return labs, numbers[distances.argmin(axis=1)]


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert sRGB [..., 3] to CIELAB under D65, in which distances match perception."""
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
