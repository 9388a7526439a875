"""Texts that are put on pictures: captions, a telephone number, watermarks, and offers at the edges."""

from functools import partial
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps

from benchmarks.gate.changes import captioned
from benchmarks.gate.faults import Change

_MARK: Final = "example shop"
#: Of a watermark.
_OPACITY: Final = 0.4
_WIDE: Final = (16, 9)
_TALL: Final = (9, 16)


def lettered(
    image: Image.Image, text: str, colour: str, *, size: float, down: float, outline: bool = False
) -> Image.Image:
    """With a line in the middle of its width; `size` is a share of the width, `down` one of the height."""
    changed, height = image.copy(), image.width * size
    ImageDraw.Draw(changed).text(
        (image.width / 2, image.height * down),
        text,
        colour,
        ImageFont.load_default(height),
        anchor="mm",
        stroke_width=max(1, round(height * 0.06)) if outline else 0,
        stroke_fill="black",
    )
    return changed


def at_edge(image: Image.Image, shape: tuple[int, int], across: float, down: float, anchor: str) -> Image.Image:
    """Its middle in another shape, with a line of half the shorter side at this place; `anchor` is Pillow's."""
    side = min(image.size)
    changed = ImageOps.fit(image, (side * shape[0] // max(shape), side * shape[1] // max(shape)))
    place, height = (changed.width * across, changed.height * down), 0.08 * min(changed.size)
    font = ImageFont.load_default(height)
    ImageDraw.Draw(changed).text(place, "ONLY 9.99 €", "white", font, anchor, stroke_width=2, stroke_fill="black")
    return changed


def watermarked(image: Image.Image, degrees: float) -> Image.Image:
    """With pale letters across its middle that one sees through, turned about it."""
    return _through(image, _letters(max(image.size), image.width * 0.13), degrees)


def tiled(image: Image.Image) -> Image.Image:
    """With the same small pale letters all over it."""
    side = 2 * max(image.size)
    layer = Image.new("L", (side, side))
    pen, font = ImageDraw.Draw(layer), ImageFont.load_default(image.width * 0.05)
    for down in range(0, side, round(image.width * 0.14)):
        for across in range(0, side, round(image.width * 0.38)):
            pen.text((across, down), _MARK, 255, font)
    return _through(image, layer, 30)


def _letters(side: int, height: float) -> Image.Image:
    layer = Image.new("L", (side, side))
    ImageDraw.Draw(layer).text((side / 2, side / 2), _MARK, 255, ImageFont.load_default(height), anchor="mm")
    return layer


def _through(image: Image.Image, layer: Image.Image, degrees: float) -> Image.Image:
    """The picture with white where a square layer has letters, turned, through which it is seen."""
    left, top = (layer.width - image.width) // 2, (layer.height - image.height) // 2
    cut = layer.rotate(degrees).crop((left, top, left + image.width, top + image.height))
    return Image.composite(Image.new("RGB", image.size, "white"), image, cut.point(lambda level: level * _OPACITY))


TEXTS: Final[dict[str, Change]] = {
    "strip_below": captioned,
    "caption_white": partial(lettered, text="Sale 50 % today", colour="white", size=0.08, down=0.85),
    "caption_red": partial(lettered, text="Sale 50 % today", colour="red", size=0.08, down=0.85),
    "number_in_the_middle": partial(lettered, text="CALL 555-0137", colour="gold", size=0.09, down=0.5, outline=True),
    "left_edge": partial(at_edge, shape=_WIDE, across=0.02, down=0.5, anchor="lm"),
    "right_edge": partial(at_edge, shape=_WIDE, across=0.98, down=0.5, anchor="rm"),
    "upper_edge": partial(at_edge, across=0.5, down=0.02, shape=_TALL, anchor="mt"),
    "lower_edge": partial(at_edge, across=0.5, down=0.98, shape=_TALL, anchor="mb"),
    "watermark": partial(watermarked, degrees=0),
    "watermark_at_30": partial(watermarked, degrees=30),
    "watermark_tiled": tiled,
    "small_address": partial(lettered, text="www.example.shop", colour="white", size=0.04, down=0.96),
}
