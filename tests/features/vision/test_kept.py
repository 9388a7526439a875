"""What is kept of a picture: what a viewer sees, small enough, and nothing else."""

from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.world.heic import HEIC
from features.vision.decode import STRIP, Wanted, decode
from features.vision.formats import BadImage
from features.vision.kept import FULL_SIDE, KeptFiles, strip
from features.vision.kept_picture import PREVIEW_SIDE, Keep
from tests.harness.profiles import SWAPPED, encoded, press_of_red_cyan

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)
NOISE = Image.effect_noise((96, 80), 90).convert("RGB")


def kept(data: bytes, keep: Keep = "full") -> KeptFiles:
    found = decode(data, Wanted(keep)).kept
    assert found is not None
    return found


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    image = Image.open(BytesIO(data))
    assert (image.format, image.mode) == ("WEBP", "RGB")
    return image


def colour(image: Image.Image, x: float = 0.5, y: float = 0.5) -> NDArray[np.int_]:
    pixels: NDArray[np.int_] = np.asarray(image, int)
    pixel: NDArray[np.int_] = pixels[int(y * image.height), int(x * image.width)]
    return pixel


def scene(width: int, height: int) -> Image.Image:
    """Red on the left, white on the right."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height))
    return image


@pytest.mark.parametrize(
    ("size", "full", "preview"),
    [
        ((2200, 1100), (1024, 512), (320, 160)),
        ((1100, 2200), (512, 1024), (160, 320)),
        ((1024, 600), (1024, 600), (320, 188)),
        ((500, 500), (500, 500), (320, 320)),
    ],
)
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_kept_in_two_sizes_and_never_made_larger(
    format_: str, size: tuple[int, int], full: tuple[int, int], preview: tuple[int, int]
) -> None:
    found = kept(encoded(scene(*size), format_))
    assert (opened(found.full).size, opened(found.preview).size) == (full, preview)
    assert (found.width, found.height) == full
    assert np.abs(colour(opened(found.full), 0.25) - RED).max() < 12
    assert np.abs(colour(opened(found.preview), 0.75) - WHITE).max() < 12


def test_a_photo_is_decoded_at_a_quarter_where_that_is_nearly_as_large() -> None:
    found = kept(encoded(scene(4000, 3000), "JPEG"))
    assert opened(found.full).size == (1000, 750)


def test_the_preview_of_a_jpeg_may_be_smaller_and_still_has_all_that_the_encoder_sees() -> None:
    assert opened(kept(encoded(scene(480, 480), "JPEG"), "preview").preview).size == (240, 240)
    assert opened(kept(encoded(scene(640, 400), "JPEG"), "preview").preview).size == (320, 200)


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (320, 200)])
def test_a_small_picture_is_its_own_preview(size: tuple[int, int]) -> None:
    found = kept(encoded(scene(*size)))
    assert (found.full, opened(found.preview).size, (found.width, found.height)) == (None, size, size)


def test_only_the_preview_is_kept_if_no_more_is_asked_for() -> None:
    found = kept(encoded(scene(2000, 1000), "JPEG"), "preview")
    assert (found.full, opened(found.preview).size, found.width, found.height) == (None, (320, 160), 320, 160)


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_nothing_is_kept_unless_it_is_asked_for(format_: str) -> None:
    assert decode(encoded(scene(400, 300), format_)).kept is None


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
@pytest.mark.parametrize("keep", ["preview", "full"])
def test_what_the_encoder_sees_does_not_depend_on_what_is_kept(format_: str, keep: Keep) -> None:
    data = encoded(NOISE.resize((1500, 1100)), format_)
    assert (decode(data, Wanted(keep)).pixels == decode(data).pixels).all()


def test_a_heic_is_kept_from_the_one_decoding() -> None:
    found, picture = kept(HEIC), decode(HEIC)
    assert (found.width, found.height) == (picture.width, picture.height)


def test_inks_become_srgb() -> None:
    ink = Image.new("CMYK", (400, 400), (255, 0, 0, 0))
    found = kept(encoded(ink, "JPEG", icc_profile=press_of_red_cyan(), quality=95))
    assert np.abs(colour(opened(found.full)) - RED).max() < 20


def test_it_is_turned_its_colours_are_converted_and_nothing_else_of_the_file_is_kept() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a home"
    exif[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    found = kept(encoded(Image.new("RGB", (600, 400), RED), "JPEG", exif=exif, icc_profile=SWAPPED, comment=b"mine"))
    for file in (found.full, found.preview):
        image = opened(file)
        assert image.height > image.width
        assert np.abs(colour(image) - GREEN).max() < 12
        assert not {"exif", "icc_profile", "xmp", "comment"} & image.info.keys()
        assert b"a home" not in (file or b"")


def test_transparency_is_shown_on_the_ground_that_shows_it() -> None:
    logo = Image.new("RGBA", (400, 400), (0, 0, 0, 0))
    logo.paste((*RED, 255), (100, 100, 300, 300))
    found = opened(kept(encoded(logo)).full)
    assert np.abs(colour(found, 0.05, 0.05) - WHITE).max() < 12
    assert np.abs(colour(found) - RED).max() < 12


@pytest.mark.parametrize("format_", ["GIF", "WEBP"])
def test_an_animation_is_kept_as_the_frame_that_the_encoder_sees(format_: str) -> None:
    frames = [Image.new("RGB", (400, 300), WHITE), scene(400, 300), Image.new("RGB", (400, 300), WHITE)]
    data = encoded(frames[0], format_, save_all=True, append_images=frames[1:], duration=100)
    image = opened(kept(data).full)
    assert getattr(image, "n_frames", 1) == 1
    assert np.abs(colour(image, 0.25) - RED).max() < 20


def test_a_jpeg_that_lacks_only_its_end_is_kept() -> None:
    found = kept(encoded(NOISE.resize((800, 600)), "JPEG")[:-2])
    assert opened(found.full).size == (800, 600)


@pytest.mark.parametrize("keep", ["none", "preview", "full"])
def test_a_picture_of_one_row_is_refused_whatever_is_kept(keep: Keep) -> None:
    with pytest.raises(BadImage) as caught:
        decode(encoded(Image.new("RGB", (10_000, 1))), Wanted(keep))
    assert caught.value.reason == "aspect"


def test_files_are_as_small_as_the_limits_of_the_decoder_expect() -> None:
    noise = Image.merge("RGB", [Image.effect_noise((FULL_SIDE, FULL_SIDE), 120) for _ in "rgb"])
    found = kept(encoded(noise))
    assert found.full is not None
    assert len(found.full) < 1 << 20
    assert max(opened(found.preview).size) == PREVIEW_SIDE


FRAMES = np.stack([np.full((224, 224, 3), level, np.uint8) for level in (20, 120, 220)])


@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_the_frames_of_a_strip_are_found_again(count: int) -> None:
    frames = np.stack([np.full((224, 224, 3), 15 * number, np.uint8) for number in range(count)])
    found = decode(strip(frames), STRIP).views
    assert [round(float(each.mean()) / 15) for each in found] == list(range(count))
    assert np.ptp(found, axis=(1, 2, 3)).max() <= 4


NO_STRIPS = {
    "cut short": strip(FRAMES)[:-20],
    "its start alone": strip(FRAMES)[:30],
    "empty": b"",
    "of no frame": encoded(Image.new("RGB", (224, 100)), "WEBP"),
    "of half a frame more": encoded(Image.new("RGB", (224, 336)), "WEBP"),
    "of another width": encoded(Image.new("RGB", (100, 200)), "WEBP"),
    "of 17 frames": encoded(Image.new("RGB", (224, 17 * 224)), "WEBP"),
    "of 21 frames": encoded(Image.new("RGB", (224, 21 * 224)), "WEBP"),
    "a JPEG": encoded(Image.new("RGB", (224, 448)), "JPEG"),
    "a GIF": encoded(Image.new("RGB", (224, 448)), "GIF"),
    "text": b"no picture",
}


@pytest.mark.parametrize("data", NO_STRIPS.values(), ids=NO_STRIPS)
def test_what_is_no_strip_of_up_to_16_frames_is_refused(data: bytes) -> None:
    with pytest.raises(BadImage):
        decode(data, STRIP)
