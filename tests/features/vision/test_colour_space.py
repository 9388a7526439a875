"""Pictures with a colour space of their own come out as a viewer sees them, whatever is wrong with it."""

import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from features.vision import colour_space
from features.vision.decode import decode
from features.vision.matrix_profile import SRGB
from tests.harness.profiles import (
    LINEAR,
    P3,
    P3_PRIMARIES,
    SWAPPED,
    chunk,
    encoded,
    linear_grey,
    press_of_red_cyan,
    profile,
    with_chunks,
)

RED, GREEN = (255, 0, 0), (0, 255, 0)
NOISE = Image.effect_noise((96, 80), 90).convert("RGB")


def middle(data: bytes) -> list[int]:
    return [int(level) for level in decode(data).pixels[112, 112]]


def close(found: list[int], expected: tuple[int, ...], within: int = 6) -> bool:
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= within


def plain(colour: object, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (64, 64), colour)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("format_", "options"),
    [("JPEG", {"quality": 98}), ("PNG", {}), ("WEBP", {"lossless": True}), ("AVIF", {"quality": 98, "speed": 10})],
)
def test_a_profile_that_exchanges_red_and_green_is_applied(format_: str, options: dict[str, object]) -> None:
    assert close(middle(encoded(plain(RED), format_, icc_profile=SWAPPED, **options)), GREEN)


def test_display_p3_is_more_colourful_than_srgb_says() -> None:
    assert close(middle(encoded(plain((200, 100, 100)), icc_profile=P3)), (213, 94, 95), within=3)


def test_a_linear_profile_makes_a_picture_lighter() -> None:
    assert close(middle(encoded(plain((55, 55, 55)), icc_profile=LINEAR)), (128, 128, 128))


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_grey_profile_is_applied_to_grey(mode: str) -> None:
    image = plain(55, "L").convert(mode)
    assert close(middle(encoded(image, icc_profile=linear_grey())), (128, 128, 128))


def test_an_rgb_profile_is_applied_to_grey() -> None:
    assert close(middle(encoded(plain(55, "L"), "JPEG", icc_profile=LINEAR)), (128, 128, 128))


def test_a_cmyk_profile_says_how_the_inks_look() -> None:
    cyan = encoded(plain((255, 0, 0, 0), "CMYK"), "JPEG", quality=98, icc_profile=press_of_red_cyan())
    assert close(middle(cyan), RED, within=12)
    assert close(middle(encoded(plain((255, 0, 0, 0), "CMYK"), "JPEG", quality=98)), (0, 255, 255))


def test_transparent_colours_are_converted_and_alpha_is_kept() -> None:
    image = plain((0, 0, 0, 0), "RGBA")
    image.paste((255, 0, 0, 255), (0, 0, 40, 64))
    pixels = decode(encoded(image, icc_profile=SWAPPED)).pixels
    assert close(pixels[112, 20].tolist(), GREEN)
    assert pixels[112, 210].tolist() == [255, 255, 255]


def test_a_palette_is_converted() -> None:
    assert close(middle(encoded(plain(RED).quantize(4), icc_profile=SWAPPED)), GREEN)


# gAMA and cHRM


def declared(colour: tuple[int, int, int], *chunks: bytes) -> bytes:
    return with_chunks(encoded(plain(colour)), *chunks)


def primaries(values: tuple[float, ...]) -> bytes:
    return chunk(b"cHRM", struct.pack(">8I", *(round(100_000 * value) for value in values)))


def gamma(value: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", value))


def test_a_png_may_say_its_gamma() -> None:
    assert close(middle(declared((55, 55, 55), gamma(100_000))), (128, 128, 128))


def test_a_png_may_say_its_primaries() -> None:
    assert close(middle(declared((200, 100, 100), primaries(P3_PRIMARIES))), (213, 94, 95), within=3)


def test_srgb_and_icc_chunks_come_before_gamma() -> None:
    srgb = chunk(b"sRGB", b"\0")
    assert middle(declared((55, 55, 55), srgb, gamma(100_000))) == [55, 55, 55]
    assert close(middle(with_chunks(encoded(plain(RED), icc_profile=SWAPPED), gamma(100_000))), GREEN)


@pytest.mark.parametrize(
    "chunks",
    [
        (gamma(45_455), primaries(SRGB)),
        (gamma(45_455),),
        (gamma(0),),
        (gamma(2**31),),
        (chunk(b"gAMA", b"\0"),),
        (primaries((0.0,) * 8),),
        (primaries((0.3127, 0.3290, *(0.3, 0.3) * 3)),),
        (chunk(b"cHRM", b"\0" * 31),),
        (chunk(b"sRGB", b""),),
    ],
    ids=["usual", "usual gamma", "0", "huge", "short gamma", "zeros", "no area", "short", "empty sRGB"],
)
def test_the_usual_and_the_impossible_change_nothing(chunks: tuple[bytes, ...]) -> None:
    assert (decode(with_chunks(encoded(NOISE), *chunks)).pixels == decode(encoded(NOISE)).pixels).all()


# Profiles that are not worth it, or not to be trusted


def test_an_srgb_profile_leaves_every_byte_as_it_is() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for format_ in ("JPEG", "PNG"):
        assert (
            decode(encoded(NOISE, format_, icc_profile=srgb)).pixels == decode(encoded(NOISE, format_)).pixels
        ).all()


def damaged(at: int, junk: bytes) -> bytes:
    return SWAPPED[:at] + junk + SWAPPED[at + len(junk) :]


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"no profile",
        lambda: SWAPPED[:200],
        lambda: bytes(len(SWAPPED)),
        lambda: damaged(128, b"\xff\xff\xff\xff"),
        lambda: damaged(12, b"link"),
        lambda: damaged(16, b"CMYK"),
        lambda: damaged(36, b"nope"),
        lambda: SWAPPED + bytes(colour_space.MAX_PROFILE_BYTES),
        lambda: profile(b"RGB ", b"XYZ ", {b"D2B0": b"mpet" + bytes(1000)}),
        press_of_red_cyan,
        linear_grey,
    ],
    ids=["text", "cut", "zeros", "tags", "link", "space", "signature", "huge", "any length", "CMYK", "grey"],
)
def test_a_profile_that_does_not_fit_is_ignored(make: Callable[[], bytes]) -> None:
    for format_ in ("JPEG", "WEBP"):
        found = decode(encoded(NOISE, format_, icc_profile=make()))
        assert (found.pixels == decode(encoded(NOISE, format_)).pixels).all()


def test_any_damage_to_a_profile_leaves_a_picture() -> None:
    random = np.random.default_rng(7)
    for whole in (SWAPPED, press_of_red_cyan(), linear_grey()):
        for _ in range(150):
            data = bytearray(whole)
            for at in random.integers(0, len(data), 4):
                data[at] = random.integers(0, 256)
            mode = {b"CMYK": "CMYK", b"GRAY": "L"}.get(whole[16:20], "RGB")
            assert decode(encoded(NOISE.convert(mode), "JPEG", icc_profile=bytes(data))).width == 96
