"""The part of a picture that a query is about: a box in shares of the upright picture."""

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from PIL import Image

from features.vision.formats import BadImage
from sightline_client.events import Box

#: What is seen of a picture: the middle square of a box, the middle square of all (None), or all of it, squeezed into a
#: square.
View: TypeAlias = Box | Literal["squeezed"] | None

#: Left, top, right and bottom in pixels.
Part: TypeAlias = tuple[int, int, int, int]

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


def part_of(image: Image.Image, box: Box, orientation: int) -> Part:
    """Where the box lies in stored pixels that this EXIF orientation turns upright: a pixel at least."""
    back = _TURNED_BACK.get(orientation)
    x, y, width, height = (box.x, box.y, box.width, box.height) if back is None else back(box)
    left, top = min(round(x * image.width), image.width - 1), min(round(y * image.height), image.height - 1)
    right, bottom = round((x + width) * image.width), round((y + height) * image.height)
    return max(left, 0), max(top, 0), max(right, left + 1), max(bottom, top + 1)


def too_small(view: View, width: int, height: int) -> BadImage | None:
    """Why a view of an upright picture of this size has too few pixels, if it has."""
    if not isinstance(view, Box):
        return None
    across, down = view.width * width, view.height * height
    if min(across, down) >= LEAST_SIDE:
        return None
    return BadImage(
        "box",
        f"the box {box_text(view)} is {across:.0f}×{down:.0f} pixels of a picture of {width}×{height}: "
        f"choose one of {LEAST_SIDE} pixels a side or more",
    )


def blank(view: View = None) -> BadImage:
    """Why a view in which nothing is visible is refused."""
    if isinstance(view, Box):
        return BadImage("blank", f"all of the box {box_text(view)} is transparent: choose one that shows something")
    return BadImage("blank", "all of the picture is transparent: send one in which something is to be seen")


def all_refused(refusals: Sequence[BadImage]) -> BadImage:
    """Why a picture is refused of which each view is, for these reasons; the first one counts."""
    return BadImage(refusals[0].reason, "; ".join(map(str, refusals)))


def box_text(box: Box) -> str:
    """A box in words, as `sightline similar --box` takes it.

    >>> box_text(Box(x=0.5, y=0.0, width=0.25, height=1.0))
    '0.5,0,0.25,1'
    """
    return ",".join(f"{value:.4g}" for value in (box.x, box.y, box.width, box.height))
