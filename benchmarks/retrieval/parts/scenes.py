"""Things laid on other photos, where it is known where they lie."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sightline_client.events import Box

#: Pixels of a scene: a photo as a phone takes it.
WIDTH: Final = 640
HEIGHT: Final = 480
#: The shares of a scene that a thing takes.
_SHARES: Final = (1 / 9, 1 / 3)
#: How much of a side a thing may take.
_WIDEST: Final = 0.95
#: A catalogue picture's ground: what is as light as this and joined to a corner.
_WHITE: Final = 17
_KEY: Final = (1, 254, 1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with things in it, each in its box; `things` are their numbers."""

    image: Image.Image
    boxes: tuple[Box, ...]
    things: tuple[int, ...]


def opened(file: bytes) -> Image.Image:
    """The picture in a file, RGB."""
    return Image.open(BytesIO(file)).convert("RGB")


def cut_out(image: Image.Image) -> Image.Image:
    """The thing on a white ground, RGBA: the ground is filled from the corners, so white within the thing stays."""
    keyed = image.copy()
    for corner in ((0, 0), (image.width - 1, 0), (0, image.height - 1), (image.width - 1, image.height - 1)):
        if min(image.getpixel(corner)) >= 255 - _WHITE:  # type: ignore[arg-type]  # of RGB it is a tuple
            ImageDraw.floodfill(keyed, corner, _KEY, thresh=2 * _WHITE)
    is_thing = (np.asarray(keyed) != _KEY).any(axis=2)
    alpha = Image.fromarray(np.where(is_thing, 255, 0).astype(np.uint8))
    found = image.convert("RGBA")
    found.putalpha(alpha.filter(ImageFilter.GaussianBlur(0.7)))
    return found.crop(alpha.getbbox() or (0, 0, *image.size))


def scenes(things: Sequence[Image.Image], grounds: Sequence[Image.Image], count: int, *, seed: int) -> Iterator[Scene]:
    """Scenes with a thing each, of 1/9 to 1/3 of the area, anywhere on a photo of the ground."""
    random = np.random.default_rng(seed)
    for number in random.choice(len(things), count, replace=count > len(things)):
        yield _scene([int(number)], things, grounds, random, (0, WIDTH))


def pairs(things: Sequence[Image.Image], grounds: Sequence[Image.Image], count: int, *, seed: int) -> Iterator[Scene]:
    """Scenes with two things each, one in the left half and one in the right."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        yield _scene(random.choice(len(things), 2, replace=False).tolist(), things, grounds, random, (0, WIDTH // 2))


def _scene(
    numbers: Sequence[int],
    things: Sequence[Image.Image],
    grounds: Sequence[Image.Image],
    random: np.random.Generator,
    strip: tuple[int, int],
) -> Scene:
    """A scene with each thing in a strip of its own, from left to right; `strip` is that of the first."""
    image, boxes = _covering(grounds[int(random.integers(len(grounds)))]), []
    start, width = strip
    for place, number in enumerate(numbers):
        boxes.append(_lay(things[number], image, random, start + place * width, width))
    return Scene(image, tuple(boxes), tuple(numbers))


def _lay(thing: Image.Image, image: Image.Image, random: np.random.Generator, start: int, width: int) -> Box:
    area = random.uniform(*_SHARES) * width * HEIGHT
    high = (area * thing.height / thing.width) ** 0.5
    wide = area / high
    scale = min(1.0, _WIDEST * width / wide, _WIDEST * HEIGHT / high)
    size = max(round(wide * scale), 1), max(round(high * scale), 1)
    x = start + int(random.integers(width - size[0] + 1))
    y = int(random.integers(HEIGHT - size[1] + 1))
    laid = thing.resize(size, Image.Resampling.BICUBIC)
    image.paste(laid, (x, y), laid if laid.mode == "RGBA" else None)
    return Box(x=x / WIDTH, y=y / HEIGHT, width=size[0] / WIDTH, height=size[1] / HEIGHT)


def _covering(image: Image.Image) -> Image.Image:
    """The middle of a photo, scaled to the size of a scene."""
    scale = max(WIDTH / image.width, HEIGHT / image.height)
    side = WIDTH / scale, HEIGHT / scale
    left, top = (image.width - side[0]) / 2, (image.height - side[1]) / 2
    box = (left, top, left + side[0], top + side[1])
    return image.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC, box=box).convert("RGB")
