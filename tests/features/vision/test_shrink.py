"""What is sent for a file: itself if that will do, else a smaller JPEG of the same look."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from benchmarks.world.heic import HEIC
from features.vision.decode import decode
from features.vision.formats import BadImage
from features.vision.shrink import SIDE, fitting
from tests.harness.paths import SHARED_DATA
from tests.harness.profiles import SWAPPED, encoded

LIMIT = 1 << 20
LARGE = Image.merge("RGB", [Image.effect_noise((1600, 1200), 60) for _ in "rgb"])
PHONE = SHARED_DATA / "field" / "pictures" / "phone_size.jpg"


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_small_picture_is_not_touched(format_: str) -> None:
    data = encoded(LARGE.resize((200, 150)), format_)
    assert fitting(data, LIMIT) is data


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_a_large_file_becomes_a_jpeg_that_fits_and_looks_the_same(format_: str) -> None:
    scene = Image.linear_gradient("L").resize((1600, 1200)).convert("RGB")
    data = encoded(Image.blend(scene, LARGE, 0.15), format_, quality=100)
    small = fitting(data, 200_000)
    assert len(small) <= 200_000
    assert (opened(small).format, max(opened(small).size)) == ("JPEG", SIDE)
    assert np.abs(decode(small).pixels.astype(int) - decode(data).pixels).mean() < 6


def test_noise_that_cannot_fit_is_refused_with_the_limit() -> None:
    with pytest.raises(BadImage, match="over 30,000 bytes even at 1024"):
        fitting(encoded(LARGE, "JPEG"), 30_000)


def test_it_is_turned_and_its_colours_are_converted() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (1600, 1200), (255, 0, 0)), "JPEG", exif=exif, icc_profile=SWAPPED, quality=95)
    small = opened(fitting(data, len(data) - 1))
    assert small.size == (768, 1024)
    assert "icc_profile" not in small.info
    assert np.abs(np.asarray(small)[500, 300].astype(int) - (0, 255, 0)).max() < 8


@pytest.mark.parametrize("data", [HEIC, encoded(LARGE.resize((96, 80)), "AVIF", speed=10)], ids=["HEIC", "AVIF"])
def test_formats_that_an_older_worker_refuses_become_jpeg_in_their_own_size(data: bytes) -> None:
    picture = decode(data)
    assert opened(fitting(data, LIMIT)).format == "JPEG"
    assert opened(fitting(data, LIMIT)).size == (picture.width, picture.height)


def test_a_picture_of_more_pixels_than_a_worker_takes_is_made_smaller() -> None:
    data = encoded(Image.new("1", (9_000, 5_000)))
    assert max(opened(fitting(data, LIMIT)).size) == SIDE


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not_an_image"),
        (b"\0\x05\x16\x07" + bytes(4000), "not_an_image"),
        (encoded(LARGE, "JPEG")[:400_000], "truncated"),
        (encoded(Image.new("RGB", (4200, 20))), "aspect"),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(BadImage) as caught:
        fitting(data, 100_000)
    assert caught.value.reason == reason


@pytest.mark.skipif(not PHONE.is_file(), reason="../shared/data/field is not on this machine")
def test_a_phones_photo_fits() -> None:
    assert len(fitting(PHONE.read_bytes(), LIMIT)) <= LIMIT
