"""Which frame of an animation stands for it."""

from collections.abc import Callable, Iterator
from contextlib import suppress

from PIL import Image

from features.vision.box import blank
from features.vision.formats import MAX_PIXELS, BadImage
from features.vision.grounds import PLAIN, contrast
from features.vision.opening import PILLOW_ERRORS

#: Formats whose further frames are moments of the same picture; those of a JPEG or HEIC are other pictures.
_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
_MOST_FRAMES = 200
#: A frame with this much contrast shows enough; no later one is looked at.
_CLEAR = 240


def most_to_see(
    image: Image.Image, look: Callable[[Image.Image], Image.Image | None], refusal: Callable[[], BadImage] = blank
) -> tuple[Image.Image, int]:
    """What `look` makes of the first frame; of a later one if the first shows next to nothing, as in a fade-in.

    The second value is the number of that frame. `look` gives None for a frame in which all is transparent. Raises
    the `refusal` if that are all frames.
    """
    image.load()
    best, number = look(image), image.tell()
    if best is None or (_is_animated(image) and contrast(best) < PLAIN):
        for frame in _later_frames(image, look):
            if best is None or contrast(frame) > contrast(best):
                best, number = frame, image.tell()
            if contrast(best) >= _CLEAR:
                break
    if best is None:
        raise refusal()
    return best, number


def _is_animated(image: Image.Image) -> bool:
    return image.format in _ANIMATED and bool(getattr(image, "is_animated", False))


def _later_frames(image: Image.Image, look: Callable[[Image.Image], Image.Image | None]) -> Iterator[Image.Image]:
    """The later frames in which anything is visible, up to MAX_PIXELS in all; a broken one ends them."""
    if not _is_animated(image):
        return
    with suppress(*PILLOW_ERRORS, MemoryError):
        for number in range(1, min(_MOST_FRAMES, MAX_PIXELS // (image.width * image.height)) + 1):
            image.seek(number)
            image.load()
            if (frame := look(image)) is not None:
                yield frame
