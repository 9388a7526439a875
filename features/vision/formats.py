"""What is accepted as a picture: formats by their first bytes, and limits on what their headers say."""

from typing import Literal

from PIL import Image

MAX_BYTES = 20_000_000
MAX_PIXELS = 40_000_000
#: libwebp holds the pixels four times while it decodes; HEIC and AVIF take up to two seconds for this many.
MAX_COSTLY_PIXELS = 25_000_000
MAX_ASPECT = 20
_COSTLY = ("WEBP", "HEIF", "AVIF")

Reason = Literal[
    "empty",
    "too_large_bytes",
    "not_an_image",
    "format",
    "too_many_pixels",
    "aspect",
    "truncated",
    "broken",
    "blank",
    "not_a_clip",
    "no_video",
    "too_long",
    "box",
    "too_much_memory",
    "too_slow",
    "crash",
]

#: The longest start of a file that `sniff` looks at.
HEAD_BYTES = 64
_ACCEPTED = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF8", "WEBP": b"RIFF"}
_BRANDS = {
    "AVIF": frozenset({b"avif", b"avis"}),
    "HEIF": frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}),
}
#: A brand of HEIF and AVIF files alike; the compatible brands behind it say which.
_SHARED_BRANDS = (b"mif1", b"msf1")
_OTHER_PICTURES = (
    (0, b"BM"),
    (0, b"II*\0"),
    (0, b"MM\0*"),
    (0, b"8BPS"),
    (0, b"%!PS"),
    (0, b"SIMPLE"),
    (0, b"<svg"),
    (4, b"ftyp"),
)


class BadImage(ValueError):
    """The bytes are not a picture that can be decoded; a retry is useless. `reason` is stable and bounded."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason: Reason = reason


def sniff(data: bytes) -> str:
    """Pillow's name of the format of a file, by its first HEAD_BYTES; raises BadImage."""
    if not data:
        raise BadImage("empty", "the picture has 0 bytes: send the content of the file")
    for name, magic in _ACCEPTED.items():
        if data.startswith(magic) and (name != "WEBP" or data[8:12] == b"WEBP"):
            return name
    if (by_brand := branded(data)) is not None:
        return by_brand
    known = any(data[at : at + len(magic)] == magic for at, magic in _OTHER_PICTURES)
    raise BadImage(
        "format" if known else "not_an_image",
        f"the bytes begin with {data[:12]!r}, which is not JPEG, PNG, WebP, GIF, HEIC or AVIF: convert the picture",
    )


def branded(data: bytes) -> str | None:
    """Pillow's name of the format of a picture in an ISO media file (ISO/IEC 14496-12, section 4.3), or None."""
    if data[4:8] != b"ftyp":
        return None
    brands = {data[8:12]}
    if data[8:12] in _SHARED_BRANDS:
        end = min(int.from_bytes(data[:4], "big"), HEAD_BYTES)
        brands = {data[at : at + 4] for at in range(16, end, 4)}
    return next((name for name, known in _BRANDS.items() if brands & known), None)


def check_length(data: bytes) -> None:
    """Raise BadImage for a file of too many bytes."""
    if len(data) > MAX_BYTES:
        raise BadImage("too_large_bytes", f"the picture has {len(data):,} bytes: send at most {MAX_BYTES:,}")


def check_size(image: Image.Image) -> None:
    """Raise BadImage if width and height are not acceptable."""
    width, height = image.size
    limit = MAX_COSTLY_PIXELS if image.format in _COSTLY else MAX_PIXELS
    if width * height > limit:
        raise BadImage("too_many_pixels", f"the picture is {width}×{height}, over {limit:,} pixels: scale it")
    check_aspect(image)


def check_aspect(image: Image.Image) -> None:
    """Raise BadImage for a picture that is much longer than wide, or wider than long."""
    width, height = image.size
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise BadImage("aspect", f"the picture is {width}×{height}: send at most {MAX_ASPECT} to 1")
