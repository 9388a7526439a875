"""Colours as a viewer sees them: a picture's own colour space becomes sRGB, through LittleCMS.

Whatever is wrong with a profile, the picture is taken as it is.
"""

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from features.vision.matrix_profile import SRGB, matrix_profile

#: Profiles of printing presses take up to 3 MB.
MAX_PROFILE_BYTES = 4 << 20
_HEADER_BYTES = 132
_MOST_TAGS = 100
_CLASSES = (b"mntr", b"scnr", b"prtr", b"spac")
#: Tags with pipelines of any length; all other tags cost a bounded time per colour.
_UNBOUNDED_TAG = b"D2B"
_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_OPAQUE = {"RGBA": "RGB", "LA": "L"}
#: A profile that moves no colour by more levels is sRGB itself.
_SAME_LEVELS = 2
_TRANSFORMS_KEPT = 8
#: libpng takes a gamma within 5 % of 1/2.2 as sRGB's.
_USUAL_GAMMA, _USUAL_WITHIN = 1 / 2.2, 0.05
_LEAST_GAMMA, _LARGEST_GAMMA = 0.1, 4.0
_SRGB_PROFILE = ImageCms.createProfile("sRGB")


def to_srgb(image: Image.Image, info: Mapping[str | tuple[int, int], Any]) -> Image.Image:
    """The picture in sRGB; the same object if it has no other colour space. `info` is what Pillow read of the file."""
    profile = info.get("icc_profile") or _from_png(info)
    if not isinstance(profile, bytes) or len(profile) > MAX_PROFILE_BYTES:
        return image
    colours = image.convert(_OPAQUE[image.mode]) if image.mode in _OPAQUE else image
    mode = _MODES.get(profile[16:20])
    if mode == "RGB" and colours.mode == "L":
        colours = colours.convert(mode)
    if colours.mode != mode or (transform := _transform(profile, mode)) is None:
        return image
    shown = transform.apply(colours)
    if image.mode in _OPAQUE:
        shown.putalpha(image.getchannel("A"))
    return shown


def _from_png(info: Mapping[str | tuple[int, int], Any]) -> bytes | None:
    """A profile from gAMA and cHRM, unless the file says that it is sRGB."""
    if "srgb" in info or not ("gamma" in info or "chromaticity" in info):
        return None
    return _matrix(info.get("gamma"), info.get("chromaticity"))


@lru_cache(maxsize=_TRANSFORMS_KEPT)
def _matrix(gamma: float | None, chromaticities: tuple[float, ...] | None) -> bytes | None:
    if gamma is not None and not _LEAST_GAMMA <= gamma <= _LARGEST_GAMMA:
        gamma = None
    if gamma is not None and abs(gamma / _USUAL_GAMMA - 1) < _USUAL_WITHIN:
        gamma = None
    try:
        return matrix_profile(chromaticities or SRGB, None if gamma is None else 1 / gamma)
    except (ValueError, TypeError):
        return None


@lru_cache(maxsize=_TRANSFORMS_KEPT)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from a profile to sRGB; None if the profile is sRGB, or not one to trust."""
    if not _is_bounded(profile):
        return None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        transform = ImageCms.buildTransform(source, _SRGB_PROFILE, mode, "RGB", ImageCms.Intent.PERCEPTUAL)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, MemoryError):
        return None
    return None if mode != "CMYK" and _changes_nothing(transform, mode) else transform


def _is_bounded(profile: bytes) -> bool:
    tags = int.from_bytes(profile[128:132], "big")
    if len(profile) < _HEADER_BYTES or profile[12:16] not in _CLASSES or tags > _MOST_TAGS:
        return False
    table = profile[_HEADER_BYTES : _HEADER_BYTES + 12 * tags]
    return not any(table[at : at + 3] == _UNBOUNDED_TAG for at in range(0, len(table), 12))


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    before = Image.fromarray(cube) if mode == "RGB" else Image.fromarray(levels[None])
    difference = np.asarray(transform.apply(before), dtype=np.int16) - np.asarray(before.convert("RGB"), dtype=np.int16)
    return bool(np.abs(difference).max() <= _SAME_LEVELS)
