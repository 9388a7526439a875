"""Colour profiles whose effect is plain to see, and pictures that carry them."""

import struct
import zlib
from io import BytesIO
from itertools import product

from PIL import Image

from features.vision.matrix_profile import SRGB, matrix_profile

#: Display P3: white, red, green, blue (SMPTE EG 432-1, with the white of D65).
P3_PRIMARIES = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
P3 = matrix_profile(P3_PRIMARIES, None)
#: sRGB with the channels of red and green exchanged.
SWAPPED = matrix_profile((*SRGB[:2], *SRGB[4:6], *SRGB[2:4], *SRGB[6:]), None)
LINEAR = matrix_profile(SRGB, 1.0)


def encoded(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], device: bytes = b"prtr") -> bytes:
    """An ICC profile of version 2 with these tags."""
    at, table, bodies = 132 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    content = struct.pack(">I", len(tags)) + table + bodies
    illuminant = [round(65536 * value) for value in (0.9642, 1.0, 0.8249)]
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x3i48x", 128 + len(content), 0x02400000, device, space, connection, b"acsp", *illuminant
    )
    return head + content


def linear_grey() -> bytes:
    """A grey profile of gamma 1: level 55 is light of 55/255, which sRGB shows as 128."""
    curve = struct.pack(">4s4xIH", b"curv", 1, 256)
    white = struct.pack(">4s4x3i", b"XYZ ", *(round(65536 * value) for value in (0.9642, 1.0, 0.8249)))
    return profile(b"GRAY", b"XYZ ", {b"wtpt": white, b"kTRC": curve}, device=b"mntr")


def press_of_red_cyan() -> bytes:
    """A CMYK profile of a press whose cyan ink is red, and whose other inks are black."""
    inks = bytes(range(256))
    lab = {(0, 0): (255, 128, 128), (1, 0): (136, 208, 195)}  # white and sRGB's red, as L*a*b* of 8 bits
    grid = bytes(
        value
        for cyan, magenta, yellow, black in product((0, 1), repeat=4)
        for value in lab.get((cyan, magenta | yellow | black), (0, 128, 128))
    )
    matrix = struct.pack(">9i", *(65536 * (place in (0, 4, 8)) for place in range(9)))
    table = struct.pack(">4s4x4B", b"mft1", 4, 3, 2, 0) + matrix + inks * 4 + grid + inks * 3
    return profile(b"CMYK", b"Lab ", {b"A2B0": table})


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunks(png: bytes, *chunks: bytes, before: bytes = b"IDAT") -> bytes:
    """A PNG with more chunks, in front of the first of a kind."""
    at = png.index(before) - 4
    return png[:at] + b"".join(chunks) + png[at:]
