"""Random views of a picture: as another photo, another crop or another saved copy of the same thing might look."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

#: Shares of the area that a crop keeps, and its widths to its heights, as of ImageNet's training (Szegedy et al. 2015).
_AREA: Final = (0.35, 1.0)
_ASPECT: Final = (3 / 4, 4 / 3)
#: Brightness, contrast and saturation change by this share at most.
_JITTER: Final = 0.3
_SMALLEST: Final = 0.4
_BLUR: Final = (0.3, 1.5)
_QUALITY: Final = (30, 95)
_ERASED: Final = (0.02, 0.2)
_Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def views(pictures: Sequence[NDArray[np.uint8]], random: np.random.Generator) -> NDArray[np.uint8]:
    """One view of each picture, uint8 [n, s, s, 3], of pictures uint8 [s, s, 3]."""
    return np.stack([view(each, random) for each in pictures])


def view(picture: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Another picture of the same size, uint8 [s, s, 3]."""
    image = _cropped(Image.fromarray(picture), random)
    for chance, change in _CHANGES:
        if random.random() < chance:
            image = change(image, random)
    return np.asarray(image)


def _cropped(image: Image.Image, random: np.random.Generator) -> Image.Image:
    side = image.width
    root = np.sqrt(random.uniform(*_AREA))
    stretch = np.exp(random.uniform(*np.log(_ASPECT)) / 2)
    width, height = (max(1.0, min(side, side * root * each)) for each in (stretch, 1 / stretch))
    left, top = random.uniform(0, side - width), random.uniform(0, side - height)
    return image.resize((side, side), Image.Resampling.BILINEAR, (left, top, left + width, top + height))


def _mirrored(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.mirror(image)


def _coloured(image: Image.Image, random: np.random.Generator) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(random.uniform(1 - _JITTER, 1 + _JITTER))
    return image


def _smaller(image: Image.Image, random: np.random.Generator) -> Image.Image:
    side = max(1, round(image.width * random.uniform(_SMALLEST, 1)))
    return image.resize((side, side), Image.Resampling.BOX).resize(image.size, Image.Resampling.BILINEAR)


def _blurred(image: Image.Image, random: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(random.uniform(*_BLUR)))


def _saved(image: Image.Image, random: np.random.Generator) -> Image.Image:
    file = BytesIO()
    image.save(file, "JPEG", quality=int(random.integers(*_QUALITY)))
    return Image.open(file).convert("RGB")


def _erased(image: Image.Image, random: np.random.Generator) -> Image.Image:
    """A rectangle of one random colour (Zhong et al. 2017)."""
    area, stretch = random.uniform(*_ERASED), np.exp(random.uniform(-1, 1) / 2)
    width, height = (
        max(1, min(image.width, round(image.width * np.sqrt(area) * each))) for each in (stretch, 1 / stretch)
    )
    left, top = (int(random.integers(0, image.width - each + 1)) for each in (width, height))
    erased = image.copy()
    erased.paste(tuple(random.integers(0, 256, 3).tolist()), (left, top, left + width, top + height))
    return erased


#: How often each change is made, in their order.
_CHANGES: Final[Sequence[tuple[float, _Change]]] = (
    (0.5, _mirrored),
    (0.8, _coloured),
    (0.3, _smaller),
    (0.2, _blurred),
    (0.4, _saved),
    (0.25, _erased),
)
