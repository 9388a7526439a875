"""A catalogue of product pictures drawn from a seed, so that the demo needs no external data."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import product
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.world.silhouettes import SILHOUETTES, Part, Point, Role, Silhouette, outline

SIZE = 480
_OVERSAMPLING = 3
_MARGIN = 0.07

Pixels = NDArray[np.float32]

COLOURS = {
    "red": (203, 52, 58),
    "orange": (232, 126, 52),
    "mustard": (226, 176, 58),
    "green": (82, 142, 86),
    "teal": (38, 138, 140),
    "blue": (58, 104, 178),
    "navy": (44, 56, 96),
    "purple": (128, 86, 158),
    "pink": (230, 138, 162),
    "charcoal": (74, 76, 84),
}
PATTERNS = {"plain": "", "stripes": "striped", "dots": "dotted", "checks": "checked"}
CATEGORIES = tuple(SILHOUETTES)
_PRICES = {
    "shirts": 29, "dresses": 69, "shoes": 89, "bags": 59, "hats": 24,
    "mugs": 12, "vases": 34, "lamps": 79, "chairs": 149, "cushions": 19,
}  # fmt: skip
_BACKDROPS = ((240, 237, 232), (233, 237, 240), (238, 234, 239), (234, 239, 234), (243, 236, 229))
_CREAM = (248, 244, 236)
_ROLES: dict[Role, tuple[int, int, int]] = {
    "light": (246, 244, 240),
    "dark": (58, 52, 52),
    "wood": (176, 128, 84),
    "metal": (196, 180, 146),
    "glow": (255, 236, 178),
}


@dataclass(frozen=True, slots=True)
class DrawnItem:
    """One product of the drawn catalogue; `jpeg` is SIZE × SIZE."""

    item_id: str
    category: str
    colour: str
    pattern: str
    title: str
    price: float
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Kind:
    """The properties of a drawing; `silhouette` is one of the category."""

    category: str
    colour: str
    pattern: str
    silhouette: Silhouette


def catalogue_kinds(count: int, seed: int) -> list[Kind]:
    """The kinds that `draw_catalogue` draws: categories in turn, without repetition until every combination is used."""
    decks = {category: _shuffled(category, seed) for category in CATEGORIES}
    drawn = (divmod(number, len(CATEGORIES)) for number in range(count))
    return [decks[CATEGORIES[at]][turn % len(decks[CATEGORIES[at]])] for turn, at in drawn]


def draw_catalogue(count: int, seed: int) -> Iterator[DrawnItem]:
    """Yield `count` products, drawn one by one; the same seed gives the same bytes."""
    for number, kind in enumerate(catalogue_kinds(count, seed)):
        item_id = f"{kind.category}-{kind.colour}-{kind.pattern}-{number:04d}"
        random = Random(f"{seed}/{item_id}")  # noqa: S311 (pictures, not secrets)
        words = (kind.colour.capitalize(), PATTERNS[kind.pattern], kind.silhouette.noun)
        yield DrawnItem(
            item_id=item_id,
            category=kind.category,
            colour=kind.colour,
            pattern=kind.pattern,
            title=" ".join(filter(None, words)),
            price=round(_PRICES[kind.category] * random.uniform(0.7, 1.6)) - 0.05,
            jpeg=_jpeg(draw(kind, random)),
        )


def _shuffled(category: str, seed: int) -> list[Kind]:
    """Every combination once, with the colours in turn, so that any section has all colours equally often."""
    random = Random(f"{seed}/{category}")  # noqa: S311
    styles = list(product(PATTERNS, SILHOUETTES[category]))
    colours = random.sample(list(COLOURS), len(COLOURS))
    columns = [[Kind(category, colour, *style) for style in random.sample(styles, len(styles))] for colour in colours]
    return [kind for row in zip(*columns, strict=True) for kind in row]


def draw(kind: Kind, random: Random) -> Image.Image:
    """One product on a soft backdrop, RGB, SIZE × SIZE."""
    parts, colour = kind.silhouette.parts, COLOURS[kind.colour]
    place = _Place.random(random)
    masks = [_mask(part, place) for part in parts]
    canvas = _backdrop(random)
    _cast_shadow(canvas, np.maximum.reduce(masks), stands=kind.silhouette.stands)
    cloth = _cloth(colour, kind.pattern, random)
    for part, mask in zip(parts, masks, strict=True):
        paint = _paint(part.role, cloth, colour)
        lit = np.clip(paint * _light(mask, part), 0, 255)
        canvas += (lit - canvas) * mask[..., None]
    return Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))


@dataclass(frozen=True, slots=True)
class _Place:
    """The position of the 100 × 100 box in the picture: slightly scaled, turned and moved."""

    scale: float
    turn: float
    dx: float
    dy: float
    flip: bool

    @classmethod
    def random(cls, random: Random) -> "_Place":
        return cls(
            scale=random.uniform(0.92, 1.06),
            turn=random.gauss(0, 0.03),
            dx=random.uniform(-2, 2),
            dy=random.uniform(-1.5, 1.5),
            flip=random.random() < 0.5,
        )

    def pixels(self, points: list[Point]) -> list[Point]:
        unit = SIZE * _OVERSAMPLING * (1 - 2 * _MARGIN) / 100 * self.scale
        middle = SIZE * _OVERSAMPLING / 2
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        placed = []
        for x, y in points:
            x, y = (50 - x if self.flip else x - 50) + self.dx, y - 50 + self.dy
            placed.append((middle + unit * (x * cos - y * sin), middle + unit * (x * sin + y * cos)))
        return placed


def _mask(part: Part, place: _Place) -> Pixels:
    """The share of each pixel that the part covers, [SIZE, SIZE] from 0 to 1."""
    large = Image.new("L", (SIZE * _OVERSAMPLING, SIZE * _OVERSAMPLING))
    pen = ImageDraw.Draw(large)
    points = outline(part.path)
    image = [(100 - x, y) for x, y in reversed(points)]
    if part.width:
        for line in (points, image) if part.mirror else (points,):
            _stroke(pen, place.pixels(line), part.width * SIZE * _OVERSAMPLING * (1 - 2 * _MARGIN) / 100)
    else:
        pen.polygon(place.pixels(points + image if part.mirror else points), fill=255)
    return _shares(large.reduce(_OVERSAMPLING))


def _stroke(pen: ImageDraw.ImageDraw, points: list[Point], width: float) -> None:
    pen.line(points, fill=255, width=max(1, round(width)), joint="curve")
    for x, y in (points[0], points[-1]):
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=255)


def _blur(mask: Pixels, radius: float) -> Pixels:
    image = Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.BoxBlur(radius))
    return _shares(image.filter(ImageFilter.BoxBlur(radius)))


def _shares(image: Image.Image) -> Pixels:
    return np.asarray(image, dtype=np.float32) / np.float32(255)


def _rgb(colour: tuple[int, int, int]) -> Pixels:
    return np.asarray(colour, dtype=np.float32)


def _grid() -> tuple[Pixels, Pixels]:
    at = np.arange(SIZE, dtype=np.float32) / np.float32(SIZE)
    x, y = np.meshgrid(at, at)
    return x, y


def _backdrop(random: Random) -> Pixels:
    x, y = _grid()
    glow = 1.03 - 0.16 * ((x - 0.42) ** 2 + (y - 0.36) ** 2)
    return np.asarray(_rgb(random.choice(_BACKDROPS)) * glow[..., None], dtype=np.float32)


def _cast_shadow(canvas: Pixels, covered: Pixels, *, stands: bool) -> None:
    if stands:
        x, y = _grid()
        columns = np.flatnonzero(covered.max(axis=0) > 0.5) / SIZE
        bottom = np.flatnonzero(covered.max(axis=1) > 0.5)[-1] / SIZE
        half, middle = (columns[-1] - columns[0]) / 2, (columns[-1] + columns[0]) / 2
        away = ((x - middle) / (half * 1.05)) ** 2 + ((y - bottom + 0.008) / 0.036) ** 2
        shadow = 0.5 * np.exp(-1.4 * away)
        canvas *= 1 - shadow[..., None]
    wall = np.roll(_blur(covered, 11), (12, 7), axis=(0, 1))
    canvas *= 1 - (0.13 if stands else 0.3) * wall[..., None]


def _cloth(colour: tuple[int, int, int], pattern: str, random: Random) -> Pixels:
    """The surface of the product, [SIZE, SIZE, 3]: its colour with the pattern over it."""
    base = _rgb(colour) * np.float32(random.uniform(0.94, 1.06))
    second = (0.92 * _pattern(pattern, random))[..., None]
    return np.asarray(base + (_rgb(_CREAM) - base) * second, dtype=np.float32)


def _pattern(pattern: str, random: Random) -> Pixels:
    """The share of the second colour at each pixel, [SIZE, SIZE] from 0 to 1."""
    x, y = _grid()
    if pattern == "plain":
        return np.zeros_like(x)
    pitch = random.uniform(0.052, 0.068)
    angle = {"stripes": random.choice((0.0, 0.0, 0.5, 0.25)), "dots": 0.25, "checks": 0.0}[pattern] * np.pi
    u = (x * np.sin(angle) + y * np.cos(angle)) / pitch
    v = (x * np.cos(angle) - y * np.sin(angle)) / pitch
    edge = 1 / (SIZE * pitch)
    if pattern == "stripes":
        return _step(0.24 - np.abs(u % 1 - 0.5), edge)
    if pattern == "dots":
        return _step(np.asarray(0.27 - np.hypot(u % 1 - 0.5, v % 1 - 0.5)), edge)
    across, along = (_step(0.25 - np.abs(w * 0.8 % 1 - 0.5), edge) for w in (u, v))
    return np.asarray((across + along) / 2, dtype=np.float32)


def _step(distance: Pixels, edge: float) -> Pixels:
    return np.asarray(np.clip(distance / edge + 0.5, 0, 1), dtype=np.float32)


def _paint(role: Role, cloth: Pixels, colour: tuple[int, int, int]) -> Pixels:
    if role == "body":
        return cloth
    if role == "trim":
        return _rgb(colour) * np.float32(0.8)
    if role == "shade":
        return _rgb(colour) * np.float32(0.58)
    return _rgb(_ROLES[role])


def _light(mask: Pixels, part: Part) -> Pixels:
    """Light from the upper left on a surface that bulges away from its edges, [SIZE, SIZE, 1]."""
    if part.role == "glow":
        return np.ones((1, 1, 1), dtype=np.float32)
    height = _blur(mask, 5) + 3 * _blur(mask, 20) if part.relief > 0.3 else _blur(mask, 3)
    down = np.gradient(height, axis=0)
    right = np.gradient(height, axis=1)
    slope = (right * 0.6 + down) * 7.0 * part.relief
    return np.asarray(1.02 + np.clip(slope, -0.34, 0.2), dtype=np.float32)[..., None]


def _jpeg(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
