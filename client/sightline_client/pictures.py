"""Makes photos small enough for an event; needs `pip install 'sightline-client[pictures]'`."""

from contextlib import suppress
from io import BytesIO
from typing import Final

import pi_heif
from PIL import Image, ImageCms, ImageOps

from sightline_client.errors import InvalidEvent
from sightline_client.events import IMAGE_LIMIT

#: Pixels a side. Encoders look at far fewer.
SIDE: Final = 1024
_QUALITIES: Final = (90, 75, 50)
#: What every version of Sightline reads. MPO is Pillow's name of a JPEG with further pictures behind the first.
_PLAIN: Final = ("JPEG", "MPO", "PNG", "WEBP", "GIF")

pi_heif.register_heif_opener(thumbnails=False)


def fit_picture(data: bytes, limit: int = IMAGE_LIMIT) -> bytes:
    """The file itself if it fits into an event, else a JPEG of at most SIDE pixels a side, or a WebP if it has alpha.

    That one is upright and in sRGB. Raises InvalidEvent for what is no picture.
    """
    try:
        with Image.open(BytesIO(data)) as image:
            if image.format in _PLAIN and len(data) <= limit:
                return data
            image.draft("RGB", (SIDE, SIDE))
            return _smaller(image, limit)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidEvent("bad_image", f"the picture cannot be made smaller ({error}): save it again") from error


def _smaller(image: Image.Image, limit: int) -> bytes:
    small = _srgb(ImageOps.exif_transpose(image))
    small.thumbnail((SIDE, SIDE))
    for quality in _QUALITIES:
        buffer = BytesIO()
        small.save(buffer, "WEBP" if small.mode == "RGBA" else "JPEG", quality=quality, icc_profile=None, exif=b"")
        if buffer.tell() <= limit:
            return buffer.getvalue()
    raise ValueError(f"it takes over {limit:,} bytes even at {SIDE} pixels a side")


def _srgb(image: Image.Image) -> Image.Image:
    """The picture in sRGB, as RGB or RGBA; a profile that does not fit is ignored."""
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    shown = image if image.mode in ("L", "CMYK") else image.convert("RGB")
    if profile := image.info.get("icc_profile"):
        with suppress(ImageCms.PyCMSError, OSError):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            shown = ImageCms.profileToProfile(shown, source, ImageCms.createProfile("sRGB"), outputMode="RGB") or shown
    shown = shown.convert("RGB")
    if alpha is not None:
        shown.putalpha(alpha)
    return shown
