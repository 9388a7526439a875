"""Pictures damaged as by transport, disks and attackers; the same random numbers give the same pictures."""

import struct
import zlib
from collections.abc import Callable, Sequence
from io import BytesIO
from random import Random

from PIL import Image

from benchmarks.world.heic import HEIC
from features.vision.matrix_profile import SRGB, matrix_profile

_PNG_SIZE = slice(16, 24)
_PNG_HEADER = slice(12, 29)
_PNG_SUM = slice(29, 33)
#: Values that overwrite a length, a size or an offset.
_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def whole_pictures() -> list[bytes]:
    """Small pictures in every accepted format and variant."""
    noise = Image.effect_noise((96, 80), 90).convert("RGB")
    noise.paste((205, 30, 40), (20, 20, 60, 60))
    frames = {"save_all": True, "append_images": [noise.rotate(90), noise.rotate(180)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a shoe"
    return [
        _saved(noise, "JPEG"),
        _saved(noise, "JPEG", progressive=True, exif=exif),
        _saved(noise.convert("CMYK"), "JPEG"),
        _saved(noise.convert("L"), "JPEG"),
        _saved(noise.resize((900, 700)), "JPEG"),
        _saved(noise, "PNG", exif=exif),
        _saved(noise.convert("RGBA"), "PNG"),
        _saved(noise.quantize(16), "PNG", transparency=3),
        _saved(noise.convert("L").convert("I;16"), "PNG"),
        _saved(noise, "PNG", **frames),
        _saved(noise, "GIF", **frames),
        _saved(noise.quantize(8), "GIF", transparency=0),
        _saved(noise, "WEBP", exif=exif),
        _saved(noise.convert("RGBA"), "WEBP", lossless=True),
        _saved(noise, "WEBP", **frames),
        _saved(noise, "AVIF", speed=10),
        _saved(noise, "AVIF", speed=10, **frames),
        HEIC,
        _saved(noise, "JPEG", icc_profile=matrix_profile(SRGB, 1.0)),
        _saved(noise, "PNG", icc_profile=matrix_profile(SRGB, 1.0)),
    ]


def mutated(whole: Sequence[bytes], random: Random) -> bytes:
    """One of the pictures, damaged one to four times."""
    data = bytearray(random.choice(whole))
    for _ in range(random.randint(1, 4)):
        random.choice(_MUTATIONS)(data, whole, random)
    return bytes(data)


def _saved(image: Image.Image, format_: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def _offset(data: bytearray, random: Random) -> int:
    """A random offset, half of the time in the headers."""
    return random.randrange(min(len(data), random.choice((200, len(data)))) + 1)


def _flip(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    for _byte in range(random.randint(1, 12)):
        at = _offset(data, random)
        data[at : at + 1] = random.randbytes(1)


def _overwrite(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    at, order = _offset(data, random), random.choice(("<", ">"))
    width, code = random.choice(((1, "B"), (2, "H"), (4, "I")))
    data[at : at + width] = struct.pack(order + code, random.choice(_EDGES) & (256**width - 1))


def _cut(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    del data[_offset(data, random) :]


def _remove(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    at = _offset(data, random)
    del data[at : at + random.randint(1, 300)]


def _repeat(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    at = _offset(data, random)
    data[at:at] = data[at : at + random.randint(1, 300)] * random.choice((1, 2, 50))


def _splice(data: bytearray, whole: Sequence[bytes], random: Random) -> None:
    other = random.choice(whole)
    at = random.randrange(len(other))
    data[_offset(data, random) :] = other[at:]


def _enlarge(data: bytearray, _: Sequence[bytes], random: Random) -> None:
    """Change the size in the header of a PNG, with a matching checksum."""
    if data.startswith(b"\x89PNG") and len(data) > _PNG_SUM.stop:
        data[_PNG_SIZE] = struct.pack(">II", *(random.choice((0, 1, 96, 5000, 40_000, 2**31 - 1)) for _ in "wh"))
        data[_PNG_SUM] = struct.pack(">I", zlib.crc32(data[_PNG_HEADER]))


_MUTATIONS: tuple[Callable[[bytearray, Sequence[bytes], Random], None], ...] = (
    _flip,
    _overwrite,
    _cut,
    _remove,
    _repeat,
    _splice,
    _enlarge,
)
