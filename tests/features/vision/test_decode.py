"""The inputs of an upload topic: good pictures in every variant, and bytes that are not a picture."""

import contextlib
import csv
import struct
import warnings
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.world.heic import HEIC
from features.vision.decode import decode
from features.vision.formats import MAX_BYTES, BadImage, sniff
from tests.harness.paths import ODD_IMAGES
from tests.harness.profiles import encoded

MANIFEST = ODD_IMAGES / "manifest.csv"
ROWS = list(csv.DictReader(MANIFEST.read_text().splitlines())) if MANIFEST.exists() else []
#: Refused by rule: truncated, damaged beyond what Pillow accepts, other formats, over 40 Mpx, over 20 to 1.
REFUSED_BY_RULE = {
    "pillow_truncated_image.png": "truncated",
    "pillow_broken_data_stream.png": "broken",
    "pillow_ultrahdr.jpg": "truncated",
    "shirt_half.jpg": "truncated",
    "shirt_tenth.jpg": "truncated",
    "shirt_wide.png": "aspect",
    "shirt_bomb_12000x12000.png": "too_many_pixels",
}
RED, WHITE = (255, 0, 0), (255, 255, 255)


def quarters() -> Image.Image:
    """Red, green above blue, white: every rotation and reflection looks different."""
    image = Image.new("RGB", (320, 320), RED)
    image.paste((0, 255, 0), (160, 0, 320, 160))
    image.paste((0, 0, 255), (0, 160, 160, 320))
    image.paste(WHITE, (160, 160, 320, 320))
    return image


def corners(data: bytes) -> list[tuple[int, ...]]:
    pixels = decode(data).pixels
    return [tuple(pixels[y, x].tolist()) for y in (20, 203) for x in (20, 203)]


def png_header(width: int, height: int) -> bytes:
    """A PNG whose header gives this size, and which ends before its pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checked = chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + checked + struct.pack(">I", 1000) + b"IDAT"


def gif_frame(width: int, height: int) -> bytes:
    """A GIF of one pixel, without data, whose first frame has this size and is to be erased after display."""
    return (
        b"GIF89a\x01\0\x01\0\0\0\0"
        + b"!\xf9\x04\x08\0\0\0\0"
        + b","
        + struct.pack("<4HB", 0, 0, width, height, 0)
        + b"\x02\0;"
    )


def refusal(data: bytes) -> BadImage:
    with pytest.raises(BadImage) as caught:
        decode(data)
    return caught.value


@pytest.mark.skipif(not ROWS, reason="../shared/data/odd-images is not on this machine")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_every_odd_file_is_decoded_or_refused_as_its_manifest_says(row: dict[str, str]) -> None:
    data = (ODD_IMAGES / row["file"]).read_bytes()
    if row["expect"] == "reject" or row["file"] in REFUSED_BY_RULE:
        error = refusal(data)
        assert error.reason == REFUSED_BY_RULE.get(row["file"], error.reason)
        assert len(str(error)) > 20
    else:
        pixels = decode(data).pixels
        assert pixels.shape == (224, 224, 3)
        assert pixels.dtype == np.uint8


SAME = [row for row in ROWS if (ODD_IMAGES / row["same_as"]).is_file() and row["expect"] == "decode"]


@pytest.mark.skipif(not SAME, reason="../shared/data/odd-images is not on this machine")
@pytest.mark.parametrize("row", SAME, ids=lambda row: row["file"])
def test_the_same_picture_in_another_format_has_close_pixels(row: dict[str, str]) -> None:
    pixels, reference = (
        decode((ODD_IMAGES / name).read_bytes()).pixels.astype(int) for name in (row["file"], row["same_as"])
    )

    assert np.abs(pixels - reference).mean() < 10  # the JPEG of quality 10 is 9 off


@pytest.mark.parametrize(
    ("format_", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("AVIF", {"quality": 90, "speed": 10}),
    ],
)
def test_each_accepted_format_is_decoded(format_: str, options: dict[str, object]) -> None:
    picture = decode(encoded(quarters(), format_, **options))

    assert (picture.format, picture.width, picture.height) == (format_, 320, 320)
    assert np.abs(picture.pixels[20, 20].astype(int) - RED).max() < 8


def test_the_size_of_the_pixels_can_be_chosen() -> None:
    assert decode(encoded(quarters()), size=64).pixels.shape == (64, 64, 3)


def test_the_middle_square_is_kept_and_nothing_is_squeezed() -> None:
    wide = Image.new("RGB", (400, 200), RED)
    wide.paste(WHITE, (100, 0, 300, 200))

    assert decode(encoded(wide)).pixels[:, 4:-4].min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_a_turned_picture_comes_out_upright(orientation: int, format_: str) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = quarters()
    stored = image.transpose(undo[orientation]) if orientation in undo else image
    exif = Image.Exif()
    exif[0x0112] = orientation

    expected = [RED, (0, 255, 0), (0, 0, 255), WHITE]
    found = corners(encoded(stored, format_, exif=exif, quality=95))
    assert np.abs(np.array(found) - expected).max() < 12


def test_width_and_height_are_those_a_person_sees() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6

    picture = decode(encoded(Image.new("RGB", (400, 300)), "JPEG", exif=exif))

    assert (picture.width, picture.height) == (300, 400)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow warns and continues
def test_broken_exif_does_not_spoil_a_picture() -> None:
    data = encoded(quarters(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")

    assert decode(data).pixels.shape == (224, 224, 3)


def test_cmyk_is_converted() -> None:
    data = encoded(Image.new("CMYK", (300, 300), (0, 255, 255, 0)), "JPEG", quality=95)

    assert np.abs(decode(data).pixels.astype(int) - RED).max() < 12


@pytest.mark.parametrize(
    ("image", "colour"),
    [
        (Image.new("RGBA", (300, 300), (255, 0, 0, 255)), RED),
        (Image.new("LA", (300, 300), (90, 255)), (90, 90, 90)),
        (Image.new("L", (300, 300), 90), (90, 90, 90)),
        (Image.new("1", (300, 300), 1), WHITE),
        (Image.new("RGB", (300, 300), RED).quantize(4), RED),
        (Image.fromarray(np.full((300, 300), 0x8000, np.uint16)), (128, 128, 128)),
    ],
    ids=["opaque alpha", "grey alpha", "grey", "bilevel", "palette", "16-bit"],
)
def test_every_mode_becomes_opaque_rgb(image: Image.Image, colour: tuple[int, int, int]) -> None:
    assert np.abs(decode(encoded(image)).pixels.astype(int) - colour).max() <= 1


def test_a_transparent_palette_entry_becomes_white() -> None:
    image = Image.new("RGB", (300, 300), RED)
    image.paste((0, 0, 255), (0, 0, 150, 300))
    image = image.quantize(4)

    pixels = decode(encoded(image, transparency=image.getpixel((0, 0)))).pixels

    assert pixels[:, :100].min() == 255
    assert pixels[0, -1].tolist() == list(RED)


def test_only_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (300, 300), colour) for colour in (RED, WHITE)]

    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert decode(data).pixels[0, 0].tolist() == list(RED)


def test_a_phones_heic_is_upright() -> None:
    picture = decode(HEIC)

    assert (picture.width, picture.height, picture.format) == (32, 64, "HEIF")
    assert np.abs(picture.pixels[20, 112].astype(int) - (200, 30, 40)).max() < 12
    assert np.abs(picture.pixels[200, 112].astype(int) - (30, 60, 200)).max() < 12


@pytest.mark.parametrize("brand", [b"mif1", b"msf1"])
def test_a_shared_brand_is_told_apart_by_the_compatible_ones(brand: bytes) -> None:
    avif = encoded(quarters(), "AVIF", speed=10)
    assert decode(avif.replace(b"avif", brand, 1)).format == "AVIF"
    assert sniff(HEIC.replace(b"heic", brand, 1)) == "HEIF"


def test_a_heic_that_claims_a_huge_size_costs_nothing() -> None:
    at = HEIC.index(b"ispe") + 8
    assert refusal(HEIC[:at] + struct.pack(">II", 50_000, 50_000) + HEIC[at + 8 :]).reason == "broken"


def test_one_pixel_is_a_picture() -> None:
    assert (decode(encoded(Image.new("RGB", (1, 1), RED))).pixels == RED).all()
    assert (decode(encoded(Image.new("RGBA", (1, 1), (*RED, 0)))).pixels == RED).all()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"", "empty"),
        (lambda: b"hello, I am a text", "not_an_image"),
        (lambda: encoded(quarters(), "BMP"), "format"),
        (lambda: encoded(quarters(), "TIFF"), "format"),
        (lambda: b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "format"),
        (lambda: HEIC[:-100], "broken"),
        (lambda: encoded(quarters(), "AVIF", speed=10)[:-100], "truncated"),
        (lambda: encoded(quarters(), "JPEG")[:800], "truncated"),
        (lambda: encoded(quarters())[:-40], "truncated"),
        (lambda: png_header(50_000, 50_000), "too_many_pixels"),
        (lambda: png_header(8_000, 5_001), "too_many_pixels"),
        (lambda: encoded(Image.new("RGB", (421, 20))), "aspect"),
        (lambda: png_header(100, 100), "truncated"),
        (lambda: b"\xff\xd8\xff", "broken"),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "broken"),
        (lambda: b"GIF89a" + bytes(3), "broken"),
        (lambda: b"RIFF\x10\0\0\0WEBP" + bytes(20), "broken"),
        (lambda: b"RIFF\x10\0\0\0WAVE" + bytes(20), "not_an_image"),
        (lambda: encoded(quarters()) + bytes(MAX_BYTES), "too_large_bytes"),
    ],
)
def test_bytes_that_are_not_a_picture_are_refused_with_a_reason(make: Callable[[], bytes], reason: str) -> None:
    assert refusal(make()).reason == reason


def test_a_huge_frame_is_refused_before_pillow_allocates_it() -> None:
    assert "decompression bomb" in str(refusal(gif_frame(10_000, 10_000)))


def test_decoding_leaves_the_warning_filters_of_the_process_unchanged() -> None:
    before = list(warnings.filters)

    decode(encoded(quarters()))

    assert list(warnings.filters) == before


def test_just_within_the_bounds_is_accepted() -> None:
    assert decode(encoded(Image.new("1", (8_000, 5_000)))).width == 8_000
    assert decode(encoded(Image.new("RGB", (400, 20)))).width == 400


def test_a_refusal_says_what_which_value_and_what_to_do() -> None:
    assert str(refusal(png_header(8_000, 5_001))) == "the picture is 8000×5001, over 40,000,000 pixels: scale it"


SEEDS = [*(encoded(quarters().resize((40, 40)), name) for name in ("JPEG", "PNG", "WEBP", "GIF", "AVIF")), HEIC]


@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 5_000), st.binary(max_size=4)), max_size=6))
def test_damaged_bytes_give_a_picture_or_a_refusal_and_nothing_else(
    data: bytes, damage: list[tuple[int, bytes]]
) -> None:
    for at, junk in damage:
        at %= len(data)
        data = data[:at] + junk + data[at + len(junk) :]
    with contextlib.suppress(BadImage):
        assert decode(data).pixels.shape == (224, 224, 3)
