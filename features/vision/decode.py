"""Decodes untrusted bytes to an RGB picture of fixed size, and to what is kept of it, or refuses them with a reason."""

from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.box import View, check_box, cut
from features.vision.formats import check_length, check_size, sniff
from features.vision.frames import most_to_see
from features.vision.gate.judge import NOT_JUDGED, Judged, judge
from features.vision.gate.views import reduced
from features.vision.grounds import LEAST_ALPHA
from features.vision.kept import KeptFiles, is_enough, kept_files, kept_of_jpeg
from features.vision.kept_picture import Keep
from features.vision.opening import see
from features.vision.pixels import finished, orientation, plain, upright
from sightline_client.events import Box


@dataclass(frozen=True, slots=True)
class Picture:
    """`pixels` is uint8 [size, size, 3] RGB; width and height are those of the upright original.

    `kept` is what is to be kept of the picture, if anything, and `judged` what the gate says of it.
    `descriptors` are those of `features.vision.descriptors.packed`, where somebody computed them.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    format: str
    kept: KeptFiles | None = None
    descriptors: bytes | None = None
    judged: Judged = NOT_JUDGED


def decode(data: bytes, *, size: int = 224, keep: Keep = "none", view: View = None) -> Picture:
    """Return the middle square, upright, opaque, in sRGB, size × size, and what is kept; raise BadImage.

    With a box as `view` it is the middle square of that part of the upright picture, as if only this part had come;
    "squeezed" is all of the picture.

    It is that of the first frame, or of a later one if the first shows next to nothing. The header is checked before
    any pixel is decoded, so a decompression bomb costs neither time nor memory. Call it in one thread at a time
    (`features.vision.opening`).
    """
    check_length(data)
    picture = see(data, partial(_decode, format_=sniff(data), size=size, keep=keep, view=view))
    if keep == "none" or picture.kept is not None:
        return picture
    # Of a large JPEG less was decoded: it is decoded again, so that `pixels` do not depend on what is kept.
    return replace(picture, kept=see(data, partial(kept_of_jpeg, keep=keep)))


def _decode(image: Image.Image, format_: str, size: int, keep: Keep, view: View) -> Picture:
    box = view if isinstance(view, Box) else None
    check_size(image)
    original = image.size
    needed = size if box is None else ceil(size / min(box.width, box.height))
    image.draft("RGB", (needed, needed))
    looked_at: list[Image.Image] = []

    def look(frame: Image.Image) -> Image.Image | None:
        looked_at.clear()  # before there are the pixels of another frame
        if (pixels := plain(frame)) is None:
            return None
        looked_at.append(pixels)
        part = pixels if box is None else cut(pixels, box, orientation(frame))
        return finished(squeezed(part, size) if view == "squeezed" else middle_square(part, size), frame)

    square, number = most_to_see(image, look)
    if image.tell() != number:
        looked_at.clear()
        image.seek(number)
        image.load()
    whole = looked_at[0] if looked_at else plain(image)
    width, height = upright(image, original)
    if box is not None:
        check_box(box, width, height)
    judged = _judged(image, whole, (width, height)) if view is None else NOT_JUDGED
    kept = kept_files(image, whole, keep) if keep != "none" and _is_whole(image, original, keep) else None
    return Picture(np.array(square, dtype=np.uint8), width, height, format_, kept, judged=judged)


def _is_whole(image: Image.Image, original: tuple[int, int], keep: Keep) -> bool:
    return image.size == original or is_enough(image, keep)


def _judged(image: Image.Image, whole: Image.Image | None, size: tuple[int, int]) -> Judged:
    seen = None if whole is None else finished(reduced(whole), image)
    return NOT_JUDGED if seen is None else judge(seen, size)


def squeezed(image: Image.Image, size: int) -> Image.Image:
    """Scale all of the picture into a square, whatever its shape."""
    return image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3.0)


def middle_square(image: Image.Image, size: int) -> Image.Image:
    """Scale the middle square; cropping finds similar pictures better than squeezing (docs/encoder.md)."""
    box = _middle((0, 0, *image.size))
    if image.getbands()[-1] in ("A", "a"):
        alpha = image.getchannel(len(image.getbands()) - 1).point(lambda level: 255 * (level >= LEAST_ALPHA))
        # A wide logo at one side: the middle of what is visible.
        if alpha.getextrema() != (0, 0) and alpha.crop(box).getextrema() == (0, 0):
            box = _middle(alpha.getbbox() or (0, 0, *image.size))
    return image.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)


def _middle(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The largest square in the middle of a box of left, top, right, bottom."""
    side = min(box[2] - box[0], box[3] - box[1])
    left, top = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    return left, top, left + side, top + side
