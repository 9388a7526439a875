"""What a viewer would see on the right ground, or in a later frame, is what the encoder sees."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from features.vision.decode import decode
from features.vision.formats import BadImage
from tests.harness.paths import SHARED_DATA
from tests.harness.profiles import encoded

FIELD = SHARED_DATA / "field" / "pictures"
WHITE, CREAM, BLACK, RED = (255, 255, 255), (255, 250, 235), (0, 0, 0), (205, 30, 40)


def logo(colour: tuple[int, int, int], shape: str = "ellipse", mode: str = "RGBA", alpha: int = 255) -> Image.Image:
    image = Image.new("RGBA", (120, 120), (*colour, 0))
    getattr(ImageDraw.Draw(image), shape)((20, 20, 100, 100), fill=(*colour, alpha))
    return image.convert(mode)


def spread(data: bytes) -> int:
    return int(np.ptp(decode(data).pixels.astype(int)))


@pytest.mark.parametrize("colour", [WHITE, CREAM])
@pytest.mark.parametrize(
    ("format_", "options"),
    [("PNG", {}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 95, "speed": 10})],
)
def test_a_light_logo_on_nothing_is_seen(
    colour: tuple[int, int, int], format_: str, options: dict[str, object]
) -> None:
    ellipse, square = (encoded(logo(colour, shape), format_, **options) for shape in ("ellipse", "rectangle"))
    assert spread(ellipse) > 150
    assert np.abs(decode(ellipse).pixels.astype(int) - decode(square).pixels).mean() > 5


def test_so_is_one_in_grey_with_alpha_and_one_by_a_palette_entry() -> None:
    assert spread(encoded(logo(WHITE, mode="LA"))) > 150
    black_and_white = Image.new("P", (120, 120), 0)
    black_and_white.putpalette([0, 0, 0, 255, 255, 255])
    black_and_white.paste(1, (30, 30, 90, 90))
    assert spread(encoded(black_and_white, transparency=0)) > 150
    assert spread(encoded(black_and_white, "GIF", transparency=0)) > 150


def test_so_is_one_with_a_dark_speck() -> None:
    image = logo(WHITE)
    image.paste((0, 0, 0, 255), (60, 60, 65, 65))
    assert decode(encoded(image)).pixels[0, 0].max() < 40


def test_so_is_one_of_sixteen_bits() -> None:
    levels = np.zeros((120, 120), np.uint16)
    levels[30:90, 30:90] = 0xFFFF
    assert spread(encoded(Image.fromarray(levels), transparency=0)) > 150


@pytest.mark.parametrize("colour", [BLACK, RED, (128, 128, 128)])
def test_what_is_seen_on_white_stays_on_white(colour: tuple[int, int, int]) -> None:
    assert decode(encoded(logo(colour))).pixels[0, 0].tolist() == list(WHITE)


@pytest.mark.parametrize("alpha", [0, 5])
@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_a_picture_of_which_nothing_is_seen_is_blank(alpha: int, format_: str) -> None:
    with pytest.raises(BadImage) as caught:
        decode(encoded(logo(RED, alpha=alpha), format_))
    assert caught.value.reason == "blank"


@pytest.mark.parametrize("image", [Image.new("RGB", (90, 90), WHITE), Image.new("RGBA", (90, 90), (*WHITE, 255))])
def test_one_opaque_colour_is_a_picture(image: Image.Image) -> None:
    assert (decode(encoded(image)).pixels == 255).all()


# Animations


def animation(format_: str, frames: list[Image.Image]) -> bytes:
    options: dict[str, object] = {"save_all": True, "append_images": frames[1:], "duration": 80}
    if format_ in ("WEBP", "AVIF"):
        options |= {"quality": 95}
    if format_ == "GIF":
        options |= {"disposal": 2}
    return encoded(frames[0], format_, **options)


def fade_in(ground: tuple[int, int, int], steps: int = 6) -> list[Image.Image]:
    scene = Image.new("RGB", (120, 120), ground)
    scene.paste(RED, (30, 30, 90, 90))
    return [Image.blend(Image.new("RGB", scene.size, ground), scene, step / (steps - 1)) for step in range(steps)]


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG", "AVIF"])
@pytest.mark.parametrize("ground", [WHITE, BLACK])
def test_a_fade_in_is_seen_by_a_later_frame(format_: str, ground: tuple[int, int, int]) -> None:
    middle = decode(animation(format_, fade_in(ground))).pixels[112, 112].astype(int)
    assert np.abs(middle - RED).max() < 25


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
def test_a_first_frame_of_nothing_is_passed_over(format_: str) -> None:
    frames = [Image.new("RGBA", (120, 120), (0, 0, 0, 0)), logo(RED)]
    middle = decode(animation(format_, frames)).pixels[112, 112].astype(int)
    assert np.abs(middle - RED).max() < 25


@pytest.mark.parametrize("format_", ["GIF", "WEBP", "PNG"])
def test_a_first_frame_that_shows_something_stays(format_: str) -> None:
    frames = [fade_in(WHITE)[-1], fade_in(BLACK)[-1]]
    assert decode(animation(format_, frames)).pixels[5, 5].min() > 240


def test_a_broken_later_frame_does_not_spoil_the_first() -> None:
    data = animation("GIF", [Image.new("RGB", (120, 120), WHITE), *fade_in(WHITE)])
    assert decode(data[: len(data) // 3]).pixels.min() > 150


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared/data/field is not on this machine")
def test_the_logos_from_the_field_look_different() -> None:
    ring, star = (decode((FIELD / f"white_{name}_on_nothing.png").read_bytes()).pixels for name in ("ring", "star"))
    assert np.abs(ring.astype(int) - star).mean() > 10


def test_a_wide_logo_at_one_side_is_seen() -> None:
    logo = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    logo.paste((200, 0, 0, 255), (0, 0, 200, 300))
    pixels = decode(encoded(logo, "PNG")).pixels
    assert pixels[112, 112].tolist() == [200, 0, 0]
