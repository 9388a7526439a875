"""What an app does with a photo before it publishes it."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from benchmarks.world.heic import HEIC
from features.vision.decode import decode
from sightline_client import IMAGE_LIMIT, InvalidEvent, Upload, fit_picture
from tests.harness.paths import SHARED_DATA
from tests.harness.profiles import SWAPPED, encoded

PHONE = SHARED_DATA / "field" / "pictures" / "phone_size.jpg"
NOISE = Image.merge("RGB", [Image.effect_noise((1600, 1200), 120) for _ in "rgb"])


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_small_picture_is_not_touched(format_: str) -> None:
    data = encoded(NOISE.resize((96, 80)), format_)
    assert fit_picture(data) is data


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_a_photo_becomes_small_enough_to_be_an_upload(format_: str) -> None:
    data = encoded(NOISE, format_, quality=100)
    assert len(data) > IMAGE_LIMIT
    small = fit_picture(data)
    assert max(opened(small).size) == 1024
    Upload(event_id="e", occurred_at_ms=0, item_id="i", user_id="u", image=small)
    with pytest.raises(ValueError, match="fit_picture"):
        Upload(event_id="e", occurred_at_ms=0, item_id="i", user_id="u", image=data)


def test_it_is_turned_and_its_colours_are_converted() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.new("RGB", (1600, 1200), (255, 0, 0)), "JPEG", exif=exif, icc_profile=SWAPPED, quality=95)
    small = opened(fit_picture(data, len(data) - 1))
    assert small.size == (768, 1024)
    assert small.getexif().get(0x0112) is None
    assert np.abs(np.asarray(small)[500, 300].astype(int) - (0, 255, 0)).max() < 8


def test_alpha_is_kept() -> None:
    image = NOISE.convert("RGBA")
    image.putalpha(0)
    image.paste((255, 255, 255, 255), (500, 300, 1000, 900))
    small = opened(fit_picture(encoded(image)))
    assert (small.format, small.mode) == ("WEBP", "RGBA")


def test_sixteen_bits_become_eight() -> None:
    data = encoded(Image.fromarray(np.full((300, 300), 0x8000, np.uint16)), compress_level=0)
    small = fit_picture(data, len(data) - 1)
    assert abs(int(decode(small).pixels[0, 0, 0]) - 128) < 3


@pytest.mark.parametrize("data", [HEIC, encoded(NOISE.resize((96, 80)), "AVIF", speed=10)], ids=["HEIC", "AVIF"])
def test_what_an_older_worker_refuses_becomes_jpeg(data: bytes) -> None:
    small = opened(fit_picture(data))
    assert (small.format, *small.size) == ("JPEG", decode(data).width, decode(data).height)


@pytest.mark.parametrize("profile", [b"no profile", SWAPPED[:200]])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    data = encoded(NOISE, "JPEG", quality=100, icc_profile=profile)
    assert len(fit_picture(data)) <= IMAGE_LIMIT


@pytest.mark.parametrize("data", [b"", b"hello", encoded(NOISE, "JPEG", quality=100)[:1_500_000]])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidEvent, match="save it again"):
        fit_picture(data)


@pytest.mark.skipif(not PHONE.is_file(), reason="../shared/data/field is not on this machine")
def test_a_phones_photo_fits() -> None:
    assert len(fit_picture(PHONE.read_bytes())) <= IMAGE_LIMIT
