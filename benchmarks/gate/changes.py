"""What people do to a picture that they upload again: the changes that a copy should be found after."""

from functools import partial
from typing import Final

from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from benchmarks.gate.faults import Change, exposed, saved


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Without this share of each side."""
    across, down = round(image.width * share), round(image.height * share)
    return image.crop((across, down, image.width - across, image.height - down))


def cornered(image: Image.Image, share: float) -> Image.Image:
    """Without this share of the left and the top."""
    return image.crop((round(image.width * share), round(image.height * share), *image.size))


def bordered(image: Image.Image, share: float, colour: str = "white") -> Image.Image:
    """With a border of this share of the shorter side."""
    return ImageOps.expand(image, round(share * min(image.size)), colour)


def captioned(image: Image.Image, share: float = 0.1) -> Image.Image:
    """With a line of text on a strip over its lower edge."""
    changed, height = image.copy(), round(image.height * share)
    pen = ImageDraw.Draw(changed)
    pen.rectangle((0, image.height - height, *image.size), "white")
    pen.text((8, image.height - height), "50 % off, only today", "red", ImageFont.load_default(height * 0.7))
    return changed


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """Turned about its middle."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor="white")


def scaled(image: Image.Image, across: float, down: float) -> Image.Image:
    """Of another width and height."""
    return image.resize((round(image.width * across), round(image.height * down)), Image.Resampling.LANCZOS)


CHANGES: Final[dict[str, Change]] = {
    "jpeg_30": partial(saved, quality=30),
    "webp_50": partial(saved, format_="WEBP", quality=50),
    "half_size": partial(scaled, across=0.5, down=0.5),
    "stretched_6": partial(scaled, across=1.06, down=1),
    "cropped_2": partial(cropped, share=0.02),
    "cropped_4": partial(cropped, share=0.04),
    "cropped_7": partial(cropped, share=0.07),
    "cropped_10": partial(cropped, share=0.1),
    "bordered_3": partial(bordered, share=0.03),
    "bordered_6": partial(bordered, share=0.06),
    "bordered_10_black": partial(bordered, share=0.1, colour="black"),
    "captioned": captioned,
    "mirrored": ImageOps.mirror,
    "brighter": partial(exposed, factor=1.25),
    "darker": partial(exposed, factor=0.7),
    "contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "turned_1": partial(turned, degrees=1),
    "turned_2": partial(turned, degrees=2),
}
#: Changes after which most copies are not found, and one after which none should be; docs/gate.md names them.
BEYOND: Final[dict[str, Change]] = {
    "recoloured": lambda image: Image.merge("RGB", image.split()[::-1]),
    "turned_3": partial(turned, degrees=3),
    "turned_5": partial(turned, degrees=5),
    "corner_7": partial(cornered, share=0.07),
    "corner_15": partial(cornered, share=0.15),
    "cropped_15": partial(cropped, share=0.15),
}
