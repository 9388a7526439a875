"""Faults of pictures, made: what a shaking hand, a wrong focus and a wrong exposure do, saved as a JPEG again."""

from collections.abc import Callable, Iterable
from functools import partial
from io import BytesIO
from math import cos, pi, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

#: Of a picture that is saved again.
QUALITY: Final = 85
Change = Callable[[Image.Image], Image.Image]


def saved(image: Image.Image, format_: str = "JPEG", quality: int = QUALITY) -> Image.Image:
    """The picture as it comes back from a file."""
    buffer = BytesIO()
    image.save(buffer, format_, quality=quality)
    return Image.open(BytesIO(buffer.getvalue())).convert("RGB")


def soft(image: Image.Image, radius: float) -> Image.Image:
    """Blurred by a Gaussian of this standard deviation in pixels."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def defocused(image: Image.Image, radius: int) -> Image.Image:
    """Each point a disk of this radius."""
    around = range(-radius, radius + 1)
    return _smeared(image, [(x, y) for x in around for y in around if x * x + y * y <= radius * radius])


def shaken(image: Image.Image, length: int, angle: float) -> Image.Image:
    """Each point a line of so many pixels at an angle."""
    steps = [step - length // 2 for step in range(length)]
    return _smeared(image, [(round(step * cos(angle)), round(step * sin(angle))) for step in steps])


def exposed(image: Image.Image, factor: float) -> Image.Image:
    """Each level times a factor, up to white."""
    return Image.fromarray(np.clip(np.asarray(image, np.float32) * factor, 0, 255).astype(np.uint8))


def _smeared(image: Image.Image, offsets: Iterable[tuple[int, int]]) -> Image.Image:
    pixels, offsets = np.asarray(image), list(offsets)
    far = max(max(abs(x), abs(y)) for x, y in offsets)
    padded = np.pad(pixels, ((far, far), (far, far), (0, 0)), mode="edge").astype(np.uint16)
    height, width = pixels.shape[:2]
    total = np.zeros(pixels.shape, np.uint32)
    for x, y in offsets:
        total += padded[far + y : far + y + height, far + x : far + x + width]
    mean: NDArray[np.uint32] = total // len(offsets)
    return Image.fromarray(mean.astype(np.uint8))


#: Each fault by the name that the gate should give it, then in its degrees.
FAULTS: Final[dict[str, dict[str, Change]]] = {
    "blur": {
        "gauss_1.5": partial(soft, radius=1.5),
        "gauss_2.5": partial(soft, radius=2.5),
        "gauss_4": partial(soft, radius=4),
        "disk_3": partial(defocused, radius=3),
        "disk_5": partial(defocused, radius=5),
        "motion_9": partial(shaken, length=9, angle=0),
        "motion_9_steep": partial(shaken, length=9, angle=pi / 3),
        "motion_17": partial(shaken, length=17, angle=pi / 6),
    },
    "dark": {f"by_{factor}": partial(exposed, factor=1 / factor) for factor in (4, 8, 16)},
    "bright": {f"by_{factor}": partial(exposed, factor=factor) for factor in (3, 5, 8)},
    "border": {
        "white_6": lambda image: ImageOps.expand(image, round(0.06 * min(image.size)), "white"),
        "black_bars": lambda image: ImageOps.pad(image, (image.width, round(image.height * 1.25)), color="black"),
    },
}
