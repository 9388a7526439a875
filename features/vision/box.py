"""The part of a picture that a query is about: a box in shares of the upright picture."""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from PIL import Image

from features.vision.formats import BadImage
from sightline_client.events import Box

#: What is seen of a picture: the middle square of a box, the middle square of all (None), or all of it, squeezed into a
#: square.
View: TypeAlias = Box | Literal["squeezed"] | None

#: Pixels of a side of a box, at least.
LEAST_SIDE: Final = 16

#: The box in the stored pixels, by the EXIF orientation that turns them upright (TIFF 6.0, tag 274).
_TURNED_BACK: Final[dict[int, Callable[[Box], tuple[float, float, float, float]]]] = {
    2: lambda box: (1 - box.x - box.width, box.y, box.width, box.height),
    3: lambda box: (1 - box.x - box.width, 1 - box.y - box.height, box.width, box.height),
    4: lambda box: (box.x, 1 - box.y - box.height, box.width, box.height),
    5: lambda box: (box.y, box.x, box.height, box.width),
    6: lambda box: (box.y, 1 - box.x - box.width, box.height, box.width),
    7: lambda box: (1 - box.y - box.height, 1 - box.x - box.width, box.height, box.width),
    8: lambda box: (1 - box.y - box.height, box.x, box.height, box.width),
}


def cut(image: Image.Image, box: Box, orientation: int) -> Image.Image:
    """The box's part of stored pixels that this EXIF orientation turns upright; a pixel at least."""
    back = _TURNED_BACK.get(orientation)
    x, y, width, height = (box.x, box.y, box.width, box.height) if back is None else back(box)
    left, top = min(round(x * image.width), image.width - 1), min(round(y * image.height), image.height - 1)
    right, bottom = round((x + width) * image.width), round((y + height) * image.height)
    part = (max(left, 0), max(top, 0), max(right, left + 1), max(bottom, top + 1))
    # The largest picture has no room in memory beside a copy of it.
    return image if part == (0, 0, *image.size) else image.crop(part)


def check_box(box: Box, width: int, height: int) -> None:
    """Raise BadImage for a box of too few pixels of an upright picture of this size."""
    across, down = box.width * width, box.height * height
    if min(across, down) < LEAST_SIDE:
        raise BadImage(
            "box",
            f"the box is {across:.0f}×{down:.0f} pixels of a picture of {width}×{height}: "
            f"choose one of {LEAST_SIDE} pixels a side or more",
        )
