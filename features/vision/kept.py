"""An opened picture → what is kept of it: WebP files of opaque upright sRGB pixels, without any metadata."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from features.vision.clips.clip import MOST_FRAMES
from features.vision.formats import BadImage
from features.vision.kept_picture import PREVIEW_SIDE, Keep
from features.vision.pixels import finished, plain
from features.vision.shrink import scaled, size_within

#: Pixels of the longer side of what is kept beside a preview, at most; no picture is made larger.
FULL_SIDE: Final = 1024
#: libwebp's quality of 0 to 100, and its fastest method: method 4 takes four times as long for a fifth fewer bytes.
#: At 80 a preview's vector has a median cosine of 0.965 to that of the upload, at 90 one of 0.983, for a third more
#: bytes (60 photos of clothing): another encoder embeds what is kept (docs/adr/0046).
_QUALITY: Final = 90
_METHOD: Final = 0
#: A JPEG that is decoded at a half, a quarter or an eighth is taken as it is from this share of the wanted side on:
#: decoding a photo of 4000 × 3000 at a quarter takes a third of the time that it takes at a half.
_LEAST_SHARE: Final = 3 / 4


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """What is kept of a picture: `full` is None where the preview is all of it. The size is that of the larger one.

    `frames` are the key frames of a clip as the encoder sees them, below each other (`strip`).
    """

    preview: bytes
    full: bytes | None
    width: int
    height: int
    frames: bytes | None = None


def is_enough(image: Image.Image, keep: Keep) -> bool:
    """Whether a JPEG that was decoded at a share of its size has the pixels that are to be kept."""
    return max(image.size) >= round(_side(keep) * _LEAST_SHARE)


def kept_of_jpeg(image: Image.Image, keep: Keep) -> KeptFiles:
    """What is kept of a JPEG whose pixels are not decoded yet; Pillow's errors are those of broken files."""
    image.draft("RGB", size_within(image.size, round(_side(keep) * _LEAST_SHARE)))
    image.load()
    return kept_files(image, plain(image), keep)


def kept_files(image: Image.Image, pixels: Image.Image | None, keep: Keep) -> KeptFiles:
    """What is kept of a decoded frame and its `plain` pixels; a picture that fits into PREVIEW_SIDE is its preview."""
    pixels = pixels or image.convert("RGB")
    large = finished(_scaled(pixels, _side(keep)), image)
    if large is None:  # it shows something in the square that the encoder sees, and nothing as a whole
        large = Image.new("RGB", size_within(pixels.size, _side(keep)), "white")
    small = _scaled(large, PREVIEW_SIDE)
    return KeptFiles(_webp(small), None if small is large else _webp(large), *large.size)


def strip(frames: NDArray[np.uint8]) -> bytes:
    """The frames of a clip, uint8 [n, side, side, 3] RGB, below each other as one WebP, of n times its width."""
    return _webp(Image.fromarray(frames.reshape(-1, *frames.shape[2:])))


def frames_of(image: Image.Image, side: int) -> NDArray[np.uint8]:
    """The frames in an opened `strip`, uint8 [n, side, side, 3], 1 ≤ n ≤ MOST_FRAMES; raises BadImage for another file.

    Nothing is decoded before format and size are known to be those of a strip.
    """
    if image.format != "WEBP":
        raise BadImage("format", f"key frames are kept as WebP, and this is {image.format}: upload the clip again")
    width, height = image.size
    count, rest = divmod(height, side)
    if width != side or rest or not 1 <= count <= MOST_FRAMES:
        raise BadImage(
            "aspect",
            f"{width}×{height} pixels are not 1 to {MOST_FRAMES} key frames of {side}×{side}: upload the clip again",
        )
    return np.asarray(image.convert("RGB"), np.uint8).reshape(count, side, side, 3)


def _side(keep: Keep) -> int:
    return FULL_SIDE if keep == "full" else PREVIEW_SIDE


def _scaled(image: Image.Image, side: int) -> Image.Image:
    # BILINEAR covers every pixel that goes into one of the result, and takes two thirds of the time of BICUBIC.
    return scaled(image, side, Image.Resampling.BILINEAR, reducing_gap=1.5)


def _webp(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=_METHOD)
    return buffer.getvalue()
