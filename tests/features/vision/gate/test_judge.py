"""What the gate says of pictures, from their files."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from features.vision.decode import decode
from features.vision.gate.judge import NOT_JUDGED, Judged
from features.vision.gate.picture_hash import HASH_BYTES, kept_of


def textured(width: int = 400, height: int = 533) -> Image.Image:
    """A cloth of threads of many colours on a wall: sharp, and well exposed."""
    chance = np.random.default_rng(3)
    threads = chance.integers(20, 235, (height // 6 + 1, width // 6 + 1, 3), np.uint8)
    cloth = Image.fromarray(threads).resize((width, height), Image.Resampling.NEAREST)
    wall = Image.new("RGB", (width, height), (190, 180, 170))
    wall.paste(cloth.crop((0, 0, width // 2, height // 2)), (width // 4, height // 4))
    return wall


def judged(image: Image.Image, format_: str = "PNG") -> Judged:
    buffer = BytesIO()
    image.save(buffer, format_)
    return decode(buffer.getvalue()).judged


def test_a_sharp_picture_has_no_fault() -> None:
    assert judged(textured()).faults == ()


@pytest.mark.parametrize("radius", [2.5, 4])
def test_a_blurred_picture_is(radius: float) -> None:
    assert judged(textured().filter(ImageFilter.GaussianBlur(radius))).faults == ("blur",)


@pytest.mark.parametrize("format_", ["JPEG", "PNG"])
def test_what_blurs_a_huge_picture_by_less_than_is_seen_is_no_blur(format_: str) -> None:
    huge = textured().resize((4000, 5330), Image.Resampling.NEAREST).filter(ImageFilter.GaussianBlur(3))
    assert "blur" not in judged(huge, format_).faults


@pytest.mark.parametrize("factor", [1 / 4, 1 / 8, 1 / 16])
def test_a_dark_picture_is(factor: float) -> None:
    assert "dark" in judged(textured().point(lambda level: level * factor)).faults


def test_a_picture_with_half_of_its_subject_at_the_end_of_the_scale_is_bright() -> None:
    assert "bright" in judged(textured().point(lambda level: min(255, level * 3))).faults


def test_white_ground_makes_no_picture_bright() -> None:
    catalogue = Image.new("RGB", (500, 500), "white")
    catalogue.paste(textured(200, 200).crop((50, 50, 150, 150)), (200, 200))
    assert "bright" not in judged(catalogue).faults


def test_a_hole_in_the_subject_through_which_white_ground_is_seen_makes_no_picture_bright() -> None:
    ring = Image.new("RGB", (500, 500), "white")
    ring.paste(textured(400, 533).crop((110, 110, 190, 190)).resize((400, 400)), (50, 50))
    ring.paste("white", (130, 130, 370, 370))
    assert "bright" not in judged(ring, "JPEG").faults


def test_a_subject_that_turned_white_in_its_middle_is_bright() -> None:
    lit = Image.radial_gradient("L").resize((400, 400))
    pale = Image.merge("RGB", [lit.point(lambda level, tint=tint: 255 + tint - level * 0.6) for tint in (70, 50, 10)])
    catalogue = Image.new("RGB", (500, 500), "white")
    catalogue.paste(pale, (50, 50))
    assert "bright" in judged(catalogue).faults


def test_flat_yellow_is_a_colour_and_lost_to_nothing() -> None:
    lemon = Image.new("RGB", (500, 500), "white")
    lemon.paste((255, 255, 0), (100, 100, 400, 400))
    assert "bright" not in judged(lemon).faults


def test_a_border_is_found_and_white_ground_is_none() -> None:
    assert "border" in judged(ImageOps.expand(textured(), 24, "black")).faults
    catalogue = Image.new("RGB", (400, 400), "white")
    catalogue.paste(textured(200, 200), (100, 100))
    assert "border" not in judged(catalogue.rotate(30, fillcolor="white")).faults


def test_a_carton_that_stands_straight_on_white_has_no_border_and_a_photo_in_a_white_one_has() -> None:
    cloth = textured(800, 800).crop((210, 210, 390, 390)).resize((160, 360))
    carton = Image.new("RGB", (400, 400), "white")
    carton.paste(cloth, (120, 40))
    carton.paste(cloth.crop((0, 0, 100, 40)), (150, 0))
    assert "border" not in judged(carton).faults
    photo = Image.new("RGB", (400, 400), "white")
    photo.paste(cloth.resize((160, 400)), (120, 0))
    assert "border" in judged(photo).faults


def test_bars_above_and_below_are_a_border() -> None:
    bars = Image.new("RGB", (400, 400), "black")
    bars.paste(textured(400, 300), (0, 50))
    assert "border" in judged(bars).faults


# Bad input


def test_one_pixel_is_plain_and_small() -> None:
    assert judged(Image.new("RGB", (1, 1), "red")).faults == ("plain", "small")


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P"])
def test_a_flat_picture_is_plain_and_has_no_hashes(mode: str) -> None:
    found = judged(Image.new(mode, (300, 300), 1))
    assert found.faults == ("plain",)
    assert kept_of(found.hashes) is None


def test_a_thin_picture_is_judged() -> None:
    assert "small" in judged(textured(19, 300)).faults


def test_a_grey_picture_and_a_transparent_one_are_judged() -> None:
    assert judged(textured().convert("L")).faults == ()
    clear = textured().convert("RGBA")
    clear.putalpha(Image.new("L", clear.size, 255))
    assert judged(clear).faults == ()


def test_of_an_animation_the_frame_that_shows_something_is_judged() -> None:
    buffer = BytesIO()
    Image.new("RGB", (400, 533), "white").save(buffer, "GIF", save_all=True, append_images=[textured()], duration=50)
    assert "plain" not in decode(buffer.getvalue()).judged.faults


def test_what_was_not_judged_says_nothing() -> None:
    assert (NOT_JUDGED.faults, len(NOT_JUDGED.hashes), kept_of(NOT_JUDGED.hashes)) == ((), HASH_BYTES, None)
