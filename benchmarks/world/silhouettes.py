"""The outlines of the drawn products: two shapes a category, in a box of 100 × 100, with y downwards."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["body", "shade", "trim", "light", "dark", "wood", "metal", "glow"]
Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Part:
    """One layer: a path of `M x y`, `L x y` and `C x y x y x y`, filled, or drawn as a line `width` wide.

    `body` carries the product's colour and pattern; `mirror` adds the path's image at x = 50.
    """

    role: Role
    path: str
    width: float = 0.0
    mirror: bool = False
    relief: float = 1.0


@dataclass(frozen=True, slots=True)
class Silhouette:
    """The shape of a product; with `stands` it casts its shadow on the floor, otherwise on the wall behind."""

    noun: str
    parts: tuple[Part, ...]
    stands: bool = False


def _half(role: Role, path: str, relief: float = 1.0) -> Part:
    """The right half of a symmetric outline, from the middle axis round to the middle axis."""
    return Part(role, path, mirror=True, relief=relief)


def _line(role: Role, path: str, width: float, *, mirror: bool = False, relief: float = 0.4) -> Part:
    return Part(role, path, width, mirror, relief)


def _oval(role: Role, x: float, y: float, rx: float, ry: float, relief: float = 1.0) -> Part:
    kx, ky = rx * 0.5523, ry * 0.5523
    return Part(
        role,
        f"M {x} {y - ry} C {x + kx} {y - ry} {x + rx} {y - ky} {x + rx} {y} "
        f"C {x + rx} {y + ky} {x + kx} {y + ry} {x} {y + ry} "
        f"C {x - kx} {y + ry} {x - rx} {y + ky} {x - rx} {y} "
        f"C {x - rx} {y - ky} {x - kx} {y - ry} {x} {y - ry}",
        relief=relief,
    )


_SHIRTS = (
    Silhouette(
        "T-shirt",
        (
            _half("shade", "M 50 15.5 C 56 15.5 60 16 62 16 L 61 25 L 50 27", 0.3),
            _half(
                "body",
                "M 50 25 C 56.5 25 60.5 21.5 62.5 15.5 C 68 17 73 18.5 76 20.5 C 82 24 87 33 93 44 "
                "C 89 48 84 50.5 79 52.5 C 77 48.5 75.5 45 74 41.5 "
                "C 73 56 73.5 72 75 85 C 67 87.5 58 88 50 88",
            ),
            _line("trim", "M 62 16.5 C 60 22.5 56 26 50 26", 1.8, mirror=True),
            _line("shade", "M 74 41.5 C 73.2 34 73.8 28 75.5 21.5", 0.5, mirror=True),
            _line("shade", "M 74.6 82.5 C 66 85 58 85.4 50 85.4", 0.4, mirror=True),
        ),
    ),
    Silhouette(
        "shirt",
        (
            _half("shade", "M 50 13 C 55 13 58 13.5 60 14.5 L 58 22 L 50 25", 0.3),
            _half(
                "body",
                "M 50 27 L 60.5 15 C 66 16.5 70 18 73.5 20 C 81 30 87 56 90.5 78 C 87.5 80 84 81 81 81 "
                "C 79 66 76 53 73 43 C 72 58 72.5 73 73.5 86 C 66 89 57 88 50 85.5",
            ),
            _half("trim", "M 50 27 L 59 12.5 C 61 13 62.5 14.5 63.5 16.5 L 57 30.5 L 50 27", 0.6),
            _line("shade", "M 50 27 L 50 86", 0.7),
            *(_oval("light", 52.2, y, 0.9, 0.9, 0.2) for y in (35, 46, 57, 68, 79)),
            _line("trim", "M 90 75.5 C 87 77.5 84 78.5 80.5 78.5", 1.6, mirror=True),
            _line("shade", "M 73 43 C 72 34 72.5 27 73.5 20.5", 0.5, mirror=True),
        ),
    ),
)
_DRESSES = (
    Silhouette(
        "summer dress",
        (
            _line("body", "M 59.5 8.5 L 60.5 22", 2.6, mirror=True),
            _half("shade", "M 50 20 C 55 20 60 18 62 18 L 60 30 L 50 30", 0.3),
            _half(
                "body",
                "M 50 25 C 54 25 57 21 59 18.5 C 61 18 62.5 18.5 63.5 20 C 64 25 65.5 28 67.5 30 "
                "C 66 36 63.5 41 61.5 46 C 67 60 74 76 80 90 C 70 94.5 60 95 50 95",
            ),
            _half("trim", "M 50 45.5 C 54 45.5 58 45 61.8 44 L 62 48 C 58 49 54 49.5 50 49.5", 0.5),
            _line("shade", "M 56.5 52 C 59.5 66 62.5 80 64.5 93", 0.5, mirror=True),
            _line("shade", "M 50 53 C 50.3 66 50.4 80 50 94", 0.5),
        ),
    ),
    Silhouette(
        "sheath dress",
        (
            _half("shade", "M 50 10 C 55 10 58 10.5 60 11 L 58 19 L 50 20", 0.3),
            _half(
                "body",
                "M 50 19 C 55 19 58.5 16 60 10.5 C 65 11.5 69 13 71.5 15 C 76 19 79 25 81.5 32 "
                "C 78 34.5 74.5 36 71 36.5 L 68.5 30.5 C 68 37 65.5 42 64.5 48 C 66 60 68.5 76 68 91 "
                "C 62 93 56 93.5 50 93.5",
            ),
            _line("trim", "M 59.6 11.2 C 58 17 55 20 50 20", 1.5, mirror=True),
            _line("shade", "M 57.5 34 C 57 40 56.6 44 57 49 C 57.5 55 58.5 60 58.5 64", 0.45, mirror=True),
            _line("shade", "M 68.5 30.5 C 68 25 69 20 71 15.5", 0.45, mirror=True),
        ),
    ),
)
_SHOES = (
    Silhouette(
        "sneaker",
        (
            Part(
                "body",
                "M 9 36 C 14 38 21 38 27 34 C 30 32 34 32 36 34.5 C 42 42 51 50 61 53.5 C 72 57 85 56 92 64 "
                "C 94 67 94 70 93 73 L 9 73 C 7 61 7 48 9 36",
            ),
            Part(
                "trim",
                "M 72 57 C 82 58.5 89 60 92 64 C 94 67 94 70 93 73 L 68 73 C 67 67 68 61 72 57",
                relief=0.7,
            ),
            Part(
                "trim",
                "M 9 36 C 13 38 17 38 20 37.2 C 18 48 18.5 60 20 73 L 9 73 C 7 61 7 48 9 36",
                relief=0.7,
            ),
            Part("light", "M 7 71 L 93.5 71 C 95 75 94 80 90 81.5 L 11 81.5 C 7.5 80.5 6.5 75 7 71", relief=0.8),
            _line("dark", "M 7.6 80 L 92 80", 1.2, relief=0.1),
            *(
                _line("light", f"M {41 + i * 5.2} {40.5 + i * 4} L {35 + i * 5.2} {46.5 + i * 4}", 1.8)
                for i in range(4)
            ),
            _line("shade", "M 30 42 C 34 52 44 62 58 66", 0.6),
        ),
        stands=True,
    ),
    Silhouette(
        "ankle boot",
        (
            Part(
                "body",
                "M 18 17 C 27 20 38 20 47 17 C 48 30 49 41 54 49 C 62 57 80 56 88 65 C 91 69 91.5 73 91 77 "
                "L 16 77 C 14 62 18 34 18 17",
            ),
            Part("trim", "M 31 31 C 36 31.5 41 31 45.5 29 L 45 47 C 40 51 34 50 32 46", relief=0.5),
            Part(
                "dark",
                "M 15.5 76 L 91.5 76 C 92.5 79 92 81 91 82 L 41 82 L 39 88 L 16 88 C 15.3 84 15 80 15.5 76",
                relief=0.5,
            ),
            _line("shade", "M 54 49 C 52 56 44 63 32 65", 0.6),
            _line("light", "M 19 22 C 27 25 38 25 46.5 22", 0.8),
        ),
        stands=True,
    ),
)
_BAGS = (
    Silhouette(
        "tote bag",
        (
            _line("trim", "M 34 44 C 33 14 40 9 50 9 C 60 9 67 14 66 44", 3.4),
            _half("body", "M 50 36 L 78 36 C 80 55 82 72 83 88 C 72 91 60 91.5 50 91.5"),
            _half("trim", "M 50 36 L 78 36 L 78.5 41 L 50 41", 0.4),
            _line("shade", "M 66 43 L 66 52", 3.4, mirror=True),
            _line("shade", "M 82.4 83 C 72 85.5 60 86 50 86", 0.4, mirror=True),
        ),
        stands=True,
    ),
    Silhouette(
        "handbag",
        (
            _line("trim", "M 30 46 C 30 22 38 15 50 15 C 62 15 70 22 70 46", 3.8),
            _half("body", "M 50 41 L 76 41 C 82 41 86 45 87 52 C 89 62 90 72 89 80 C 88 86 84 88 78 88 L 50 88"),
            _half("trim", "M 50 41 L 76 41 C 82 41 86 45 87 51 C 79 60 64 64 50 64", 0.8),
            _half("metal", "M 50 58 L 54.5 58 L 54.5 67.5 C 53 69.5 51 70 50 70", 0.8),
            _line("shade", "M 88 78 C 75 81 62 81.5 50 81.5", 0.4, mirror=True),
        ),
        stands=True,
    ),
)
_HATS = (
    Silhouette(
        "cap",
        (
            Part("trim", "M 54 61 C 70 56 88 60 97 71 C 98 74 96 76 93 75 C 82 70 66 70 52 73", relief=0.9),
            Part(
                "body",
                "M 12 69 C 10 42 24 24 43 24 C 62 24 74 40 74 61 C 74 66 73 69 72 71 C 52 66 32 67 12 69",
            ),
            _line("shade", "M 43 24 C 36 36 33 52 34 67", 0.5),
            _line("shade", "M 43 24 C 54 34 60 48 61 68", 0.5),
            _oval("trim", 43, 23.6, 3.2, 2, 0.6),
            _line("shade", "M 12.6 66 C 32 64 52 63 73 68", 0.5),
        ),
    ),
    Silhouette(
        "sun hat",
        (
            _oval("body", 50, 66, 46, 15, 0.8),
            _half("shade", "M 50 56 L 73 56 C 77 60 77 67 73 70 C 66 74 58 75 50 75", 0.2),
            _half("body", "M 50 23 C 63 23 70 31 72 45 L 74 65 C 67 70 58 71 50 71"),
            _half("dark", "M 50 61 C 58 61 67 60 73.3 56 L 74 65 C 67 70 58 71 50 71", 0.4),
        ),
    ),
)
_MUGS = (
    Silhouette(
        "mug",
        (
            _line("trim", "M 68 38 C 92 34 94 68 67 68", 6.2, relief=0.9),
            Part(
                "body",
                "M 20 26 C 20 20 72 20 72 26 L 71 76 C 71 83 65 86 58 86.5 L 34 86.5 C 27 86 21 83 21 76",
                relief=1.6,
            ),
            _oval("light", 46, 26, 26, 5.6, 0.5),
            _oval("dark", 46, 26.8, 23.5, 4.3, 0.1),
        ),
        stands=True,
    ),
    Silhouette(
        "cup and saucer",
        (
            _oval("trim", 47, 82, 43, 7.5, 0.9),
            _oval("shade", 47, 80.6, 25, 3.6, 0.2),
            _line("trim", "M 72 46 C 92 42 92 64 68 65", 5, relief=0.9),
            Part(
                "body",
                "M 18 38 C 18 33 76 33 76 38 C 77 58 70 74 58 81 C 51 82.5 43 82.5 36 81 C 24 74 17 58 18 38",
                relief=1.6,
            ),
            _oval("light", 47, 38, 29, 5.4, 0.5),
            _oval("dark", 47, 38.8, 26.4, 4.1, 0.1),
        ),
        stands=True,
    ),
)
_VASES = (
    Silhouette(
        "vase",
        (
            _half(
                "body",
                "M 50 13 C 55 13 59 13.8 60 15 C 57 23 57 29 61 35 C 73 44 77 54 75 65 C 73 76 66 84 61 89 "
                "C 57 90.5 53 91 50 91",
                1.8,
            ),
            _oval("light", 50, 15, 10, 2.8, 0.4),
            _oval("dark", 50, 15.5, 8, 1.9, 0.1),
        ),
        stands=True,
    ),
    Silhouette(
        "bottle vase",
        (
            _line("wood", "M 50 48 C 51 32 56 18 66 8", 1),
            _line("wood", "M 50 48 C 48 32 44 20 36 12", 0.9),
            *(_oval("glow", x, y, 3.2, 2.6, 0.8) for x, y in ((66, 8), (62, 15), (36, 12), (41, 20), (58, 22))),
            _half("body", "M 50 40 L 56 40 C 55 50 56 54 62 59 C 71 66 71 82 64 89 C 59 91 54 91.2 50 91.2", 1.8),
            _oval("light", 50, 40.3, 6, 1.7, 0.4),
            _oval("dark", 50, 40.6, 4.6, 1.1, 0.1),
        ),
        stands=True,
    ),
)
_LAMPS = (
    Silhouette(
        "table lamp",
        (
            _line("metal", "M 50 50 L 50 86", 2.6, relief=0.8),
            _oval("metal", 50, 88, 17, 4, 0.9),
            _oval("wood", 50, 68, 5.5, 8, 1.2),
            _half("body", "M 50 10 L 64 10 C 67 10 68 11 69 14 L 81 50 C 72 54 60 55 50 55", 1.2),
            _half("glow", "M 50 52.5 C 60 52.5 71 51.6 80.4 48.4 L 81 50 C 72 54 60 55 50 55", 0.1),
        ),
        stands=True,
    ),
    Silhouette(
        "arc lamp",
        (
            _line("dark", "M 28 86 C 24 44 34 14 64 24", 2.2, relief=0.8),
            _oval("dark", 30, 88, 18, 3.8, 0.9),
            _oval("glow", 66, 50, 17, 5, 0.1),
            Part("body", "M 41 51 C 41 32 52 22 66 22 C 80 22 91 32 91 51 C 80 55 52 55 41 51", relief=1.4),
            _oval("metal", 66, 22.5, 4, 2.4, 0.8),
        ),
        stands=True,
    ),
)
_CHAIRS = (
    Silhouette(
        "dining chair",
        (
            _line("wood", "M 32 48 L 35 86", 2.4, mirror=True, relief=0.8),
            _line("wood", "M 25 64 L 20 93", 3.4, mirror=True, relief=0.8),
            _half("body", "M 50 8 C 60 8 69 9 71 12 C 74 24 72 40 69 51 C 62 53 56 53.5 50 53.5", 1.2),
            _half(
                "body",
                "M 50 54 C 60 54 68 54 73 56 C 77 59 79 63 79 66 C 78 70 72 71.5 64 71.5 L 50 71.5",
                1.4,
            ),
            _half("wood", "M 50 70.5 L 78 69.5 L 77 73.5 L 50 74.5", 0.4),
        ),
        stands=True,
    ),
    Silhouette(
        "armchair",
        (
            _line("wood", "M 23 80 L 20 94", 3.4, mirror=True, relief=0.8),
            _half("body", "M 50 12 C 62 12 74 14 77 20 C 80 34 79 52 77 66 L 50 66", 1.4),
            _half("body", "M 50 54 C 60 54 70 54.5 73 57 C 75 61 75 67 73 72 L 50 73", 1.6),
            _half("body", "M 50 71 L 76 71 L 82 84 C 72 86 60 86 50 86", 0.8),
            Part(
                "body",
                "M 82 43 C 90 42 94 47 94 54 C 94 66 91 76 89 84 C 86 86 79 86 76 84 "
                "C 74 72 73 62 74 53 C 75 46 78 43 82 43",
                relief=1.5,
            ),
            Part(
                "body",
                "M 18 43 C 10 42 6 47 6 54 C 6 66 9 76 11 84 C 14 86 21 86 24 84 "
                "C 26 72 27 62 26 53 C 25 46 22 43 18 43",
                relief=1.5,
            ),
        ),
        stands=True,
    ),
)
_CUSHIONS = (
    Silhouette(
        "cushion",
        (
            _half(
                "body",
                "M 50 19 C 64 19 78 15 86 13 C 89 14 89.5 16 89 18 C 84 34 84 66 89 82 "
                "C 89.5 85 88 87 85 87 C 76 84 64 82 50 82",
                2.2,
            ),
            _line("trim", "M 86 13 C 89 14 89.5 16 89 18 C 84 34 84 66 89 82 C 89.5 85 88 87 85 87", 1.1, mirror=True),
        ),
    ),
    Silhouette(
        "round cushion",
        (
            _oval("trim", 50, 50, 40, 39, 1.2),
            _oval("body", 50, 49.5, 38, 37, 2.2),
            _oval("trim", 50, 49.5, 3.4, 3.2, 1.2),
        ),
    ),
)

SILHOUETTES: dict[str, tuple[Silhouette, Silhouette]] = {
    "shirts": _SHIRTS,
    "dresses": _DRESSES,
    "shoes": _SHOES,
    "bags": _BAGS,
    "hats": _HATS,
    "mugs": _MUGS,
    "vases": _VASES,
    "lamps": _LAMPS,
    "chairs": _CHAIRS,
    "cushions": _CUSHIONS,
}


def outline(path: str, steps: int = 16) -> list[Point]:
    """The points of a path; each curve becomes `steps` straight segments."""
    words = path.split()
    points: list[Point] = []
    at = 0
    while at < len(words):
        count = 3 if words[at] == "C" else 1
        numbers = [float(word) for word in words[at + 1 : at + 1 + 2 * count]]
        ends = list(zip(numbers[::2], numbers[1::2], strict=True))
        points += _bend(points[-1], ends, steps) if count == 3 else ends
        at += 1 + 2 * count
    return points


def _bend(start: Point, ends: list[Point], steps: int) -> list[Point]:
    (x0, y0), ((x1, y1), (x2, y2), (x3, y3)) = start, ends
    shares = (step / steps for step in range(1, steps + 1))
    weights = (((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3) for t in shares)
    return [(a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3) for a, b, c, d in weights]
