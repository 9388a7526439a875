"""Decodes untrusted bytes to an RGB picture of fixed size, and to what is kept of it, or refuses them with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.box import Part, View, all_refused, blank, part_of, too_small
from features.vision.formats import BadImage, check_length, check_size, sniff
from features.vision.frames import most_to_see
from features.vision.gate.judge import NOT_JUDGED, Judged, judge
from features.vision.gate.tiles import tiles
from features.vision.gate.views import reduced
from features.vision.grounds import LEAST_ALPHA
from features.vision.kept import KeptFiles, frames_of, is_enough, kept_files, kept_of_jpeg
from features.vision.kept_picture import Keep
from features.vision.opening import see
from features.vision.pixels import finished, orientation, plain, upright
from sightline_client.events import Box


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of a picture: what is to be kept of it, its `views`, at least one, and whether its `tiles`.

    Of a `strip` (`features.vision.kept`) the views are its frames, up to MOST_FRAMES, and nothing else is wanted.
    Unless `described`, it is neither judged nor described, which takes more time than its pixels.
    """

    keep: Keep = "none"
    views: tuple[View, ...] = (None,)
    tiles: bool = False
    described: bool = True
    strip: bool = False


#: Left, top, right and bottom of a square, which may lie between pixels.
_Square: TypeAlias = tuple[float, float, float, float]
#: A picture is first reduced by a whole factor, to this many times the size that is wanted, or more.
_REDUCING_GAP: Final = 3.0
#: Pixels of the scaled square, around one, that the bicubic filter takes in on either side, and one more.
_SUPPORT: Final = 3.0

#: The middle square, of which nothing is kept.
SQUARE: Final = Wanted()
#: The key frames of a clip, from the file in which they are kept.
STRIP: Final = Wanted(described=False, strip=True)


@dataclass(frozen=True, slots=True)
class Picture:
    """`views` is uint8 [n, size, size, 3] RGB; width and height are those of the upright original.

    They are the wanted views, in their order, but for those `refused`: by their place among the wanted ones, why.
    `kept` is what is to be kept of the picture, if anything, and `judged` what the gate says of it.
    `descriptors` are those of `features.vision.descriptors.packed`, of each view, where somebody computed them; None
    where they are not wanted.
    `tiles` uint8 [m, size, size, 3] together show all of the picture (`features.vision.gate.tiles`), where wanted.
    """

    views: NDArray[np.uint8]
    width: int
    height: int
    format: str
    kept: KeptFiles | None = None
    descriptors: tuple[bytes | None, ...] = ()
    judged: Judged = NOT_JUDGED
    tiles: NDArray[np.uint8] | None = None
    refused: Mapping[int, BadImage] = field(default_factory=dict)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The first view, uint8 [size, size, 3]."""
        first: NDArray[np.uint8] = self.views[0]
        return first


def decode(data: bytes, wanted: Wanted = SQUARE, *, size: int = 224) -> Picture:
    """Return the middle square, upright, opaque, in sRGB, size × size, and what is kept; raise BadImage.

    Other views are those of parts of the upright picture, each as if only this part had come, and "squeezed", which is
    all of the picture. All are cut from one decoding, that of the smallest part: at most 8 are wanted. One that cannot
    be seen is refused by itself, unless none can be.

    They are those of the first frame, or of a later one if the first shows next to nothing. The header is checked
    before any pixel is decoded, so a decompression bomb costs neither time nor memory. Call it in one thread at a time
    (`features.vision.opening`).
    """
    check_length(data)
    if wanted.strip:
        return see(data, partial(_frames, size=size))
    picture = see(data, partial(_decode, format_=sniff(data), wanted=wanted, size=size))
    if wanted.keep == "none" or picture.kept is not None:
        return picture
    # Of a large JPEG less was decoded: it is decoded again, so that `views` do not depend on what is kept.
    return replace(picture, kept=see(data, partial(kept_of_jpeg, keep=wanted.keep)))


def _frames(image: Image.Image, size: int) -> Picture:
    return Picture(frames_of(image, size), *image.size, "WEBP")


def _decode(image: Image.Image, format_: str, wanted: Wanted, size: int) -> Picture:
    check_size(image)
    original, keep, boxes = image.size, wanted.keep, [view for view in wanted.views if isinstance(view, Box)]
    needed = ceil(size / min([1.0, *(min(box.width, box.height) for box in boxes)]))
    image.draft("RGB", (needed, needed))
    image.load()
    width, height = upright(image, original)
    looking = _Looking(wanted.views, size, width, height)
    views, number = most_to_see(image, looking.look, looking.refusal)
    if image.tell() != number:
        looking.pixels = None
        image.seek(number)
        image.load()
    whole = plain(image) if looking.pixels is None else looking.pixels
    return Picture(
        np.array(views, dtype=np.uint8).reshape(-1, size, size, 3),
        width,
        height,
        format_,
        kept_files(image, whole, keep) if keep != "none" and _is_whole(image, original, keep) else None,
        judged=_judged(image, whole, (width, height)) if wanted.described and None in wanted.views else NOT_JUDGED,
        tiles=tiled(image, whole, size) if wanted.tiles and whole is not None else None,
        refused=looking.refused_in(number),
    )


class _Looking:
    """Looks for the wanted views in frames of a picture of this size; `pixels` are those of the last frame.

    Raises BadImage where all views are too small.
    """

    def __init__(self, views: Sequence[View], size: int, width: int, height: int) -> None:
        self.pixels: Image.Image | None = None
        self._views = views
        self._size = size
        refusals = ((place, too_small(view, width, height)) for place, view in enumerate(views))
        self._too_small = {place: error for place, error in refusals if error is not None}
        self._seen: dict[int, tuple[int, ...]] = {}
        if len(self._too_small) == len(views):
            raise self.refusal()

    def look(self, frame: Image.Image) -> Image.Image | None:
        """The views in which something is visible, below each other; None if there is none."""
        self.pixels = None  # before there are the pixels of another frame
        if (pixels := plain(frame)) is None:
            return None
        self.pixels = pixels
        large = {place: view for place, view in enumerate(self._views) if place not in self._too_small}
        squares = {place: _view(frame, pixels, view, self._size) for place, view in large.items()}
        shown = {place: square for place, square in squares.items() if square is not None}
        self._seen[frame.tell()] = tuple(shown)
        return _below_each_other([*shown.values()], self._size) if shown else None

    def refused_in(self, frame: int | None) -> dict[int, BadImage]:
        """Why views of the frame of this number are refused, by their place; of none, all are."""
        seen = () if frame is None else self._seen[frame]
        unseen = ((place, view) for place, view in enumerate(self._views) if place not in seen)
        return {place: self._too_small.get(place) or blank(view) for place, view in unseen}

    def refusal(self) -> BadImage:
        """Why the picture is refused where no view shows anything."""
        return all_refused([*self.refused_in(None).values()])


def _view(frame: Image.Image, pixels: Image.Image, view: View, size: int) -> Image.Image | None:
    """A view of the `plain` pixels of a frame; None if all of it is transparent."""
    if view == "squeezed":
        return finished(squeezed(pixels, size), frame)
    part = None if view is None else part_of(pixels, view, orientation(frame))
    return finished(middle_square(pixels, size, part), frame)


def _below_each_other(views: Sequence[Image.Image], size: int) -> Image.Image:
    """Squares as one picture: as such they are compared with those of another frame."""
    together = Image.new("RGB", (size, size * len(views)))
    for number, view in enumerate(views):
        together.paste(view, (0, size * number))
    return together


def tiled(image: Image.Image, whole: Image.Image, size: int) -> NDArray[np.uint8]:
    """The tiles of a frame with these `plain` pixels, uint8 [n, size, size, 3]; a transparent one is white."""
    found = []
    for box in tiles(whole.size):
        tile = finished(
            whole.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=_REDUCING_GAP), image
        )
        found.append(np.asarray(Image.new("RGB", (size, size), "white") if tile is None else tile, np.uint8))
    return np.stack(found)


def _is_whole(image: Image.Image, original: tuple[int, int], keep: Keep) -> bool:
    return image.size == original or is_enough(image, keep)


def _judged(image: Image.Image, whole: Image.Image | None, size: tuple[int, int]) -> Judged:
    seen = None if whole is None else finished(reduced(whole), image)
    return NOT_JUDGED if seen is None else judge(seen, size)


def squeezed(image: Image.Image, size: int) -> Image.Image:
    """Scale all of the picture into a square, whatever its shape."""
    return image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)


def middle_square(image: Image.Image, size: int, part: Part | None = None) -> Image.Image:
    """Scale the middle square of a picture, or of a part of it as if only this had come.

    Cropping finds similar pictures better than squeezing (docs/encoder.md).
    """
    part = part or (0, 0, *image.size)
    square = _scaled(image, _middle(part), part, size)
    # A wide logo at one side: the middle of what is visible.
    if _visible(square, (0, 0, *square.size)) is None and (seen := _visible(image, part)) is not None:
        return _scaled(image, _middle(seen), part, size)
    return square


def _visible(image: Image.Image, part: Part) -> Part | None:
    """The box of what is visible in a part; None if nothing is."""
    if image.getbands()[-1] not in ("A", "a"):
        return part
    alpha = image.getchannel(len(image.getbands()) - 1).crop(part).point(lambda level: 255 * (level >= LEAST_ALPHA))
    if (seen := alpha.getbbox()) is None:
        return None
    left, top, right, bottom = seen
    return left + part[0], top + part[1], right + part[0], bottom + part[1]


def _scaled(image: Image.Image, square: _Square, part: Part, size: int) -> Image.Image:
    """Scale a square within a part; what is beside the part does not count.

    The part is not cut out before: the largest picture has no room in memory beside a copy of it.
    """
    if part == (0, 0, *image.size):
        return image.resize((size, size), Image.Resampling.BICUBIC, box=square, reducing_gap=_REDUCING_GAP)
    scale = (square[2] - square[0]) / size
    margin, factor = _SUPPORT * max(scale, 1.0), max(1, int(scale / _REDUCING_GAP))
    left, top = (max(int(square[axis] - margin), part[axis]) for axis in (0, 1))
    right, bottom = (min(ceil(square[axis] + margin), part[axis]) for axis in (2, 3))
    near = image.reduce(factor, (left, top, right, bottom))
    x, y, side = (square[0] - left) / factor, (square[1] - top) / factor, size * scale / factor
    return near.resize((size, size), Image.Resampling.BICUBIC, box=(x, y, x + side, y + side))


def _middle(part: Part) -> _Square:
    """The largest square in the middle of a part."""
    side = min(part[2] - part[0], part[3] - part[1])
    left, top = (part[0] + part[2] - side) / 2, (part[1] + part[3] - side) / 2
    return left, top, left + side, top + side
