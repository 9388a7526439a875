"""What a picture's descriptors say, also of pictures of which there is little to say."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from features.vision.decode import decode
from features.vision.descriptors.packed import (
    PACKED_BYTES,
    VERSION,
    are_there,
    describe,
    numbers,
    readable,
    similarities,
)
from features.vision.descriptors.table import DESCRIPTORS
from sightline_client.events import DescriptorName


def encoded(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def described(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    """As the decoder does it."""
    return describe(decode(encoded(image, format_, **options)).pixels)


def stripes(width: int, *, across: bool = False, colour: str = "navy") -> Image.Image:
    image = Image.new("RGB", (224, 224), "white")
    draw = ImageDraw.Draw(image)
    for start in range(0, 224, 2 * width):
        draw.rectangle((0, start, 224, start + width) if across else (start, 0, start + width, 224), colour)
    return image


def disc(colour: str, ground: str = "white", at: tuple[int, int] = (40, 30)) -> Image.Image:
    image = Image.new("RGB", (224, 224), ground)
    ImageDraw.Draw(image).ellipse((*at, at[0] + 150, at[1] + 150), colour)
    return image


def alike(one: bytes, other: bytes, name: DescriptorName) -> float:
    return float(similarities(one, np.frombuffer(other, np.uint8)[None], name)[0])


ODD: dict[str, Callable[[], Image.Image]] = {
    "one pixel": lambda: Image.new("RGB", (1, 1), "red"),
    "one colour": lambda: Image.new("RGB", (300, 200), "teal"),
    "black": lambda: Image.new("RGB", (300, 200)),
    "white": lambda: Image.new("RGB", (300, 200), "white"),
    "grey": lambda: Image.effect_noise((200, 160), 60),
    "transparent": lambda: Image.new("RGBA", (50, 40), (200, 20, 20, 90)),
    "wide": lambda: Image.effect_noise((1900, 100), 90),
    "tall": lambda: Image.effect_noise((40, 790), 90),
    "noise": lambda: Image.effect_noise((224, 224), 120).convert("RGB"),
}


@pytest.mark.parametrize("name", ODD)
def test_any_picture_has_descriptors_that_are_like_themselves(name: str) -> None:
    image = ODD[name]()
    packed = described(image)
    assert (len(packed), packed[0]) == (PACKED_BYTES, VERSION)
    assert packed == described(image)
    for descriptor in DESCRIPTORS:
        assert alike(packed, packed, descriptor) == pytest.approx(1, abs=1e-6)


def test_all_pairs_are_within_0_and_1_and_the_same_both_ways() -> None:
    all_of_them = np.stack([np.frombuffer(described(make()), np.uint8) for make in ODD.values()])
    for name in DESCRIPTORS:
        found = np.stack([similarities(each.tobytes(), all_of_them, name) for each in all_of_them])
        assert np.isfinite(found).all()
        assert (found >= 0).all()
        assert (found <= 1).all()
        assert found == pytest.approx(found.T, abs=1e-6)


def test_a_picture_takes_226_bytes_and_nothing_of_it_is_lost() -> None:
    assert PACKED_BYTES == 226
    packed = np.frombuffer(described(stripes(7)), np.uint8)[None]
    sizes = {name: numbers(packed, name).shape for name in DESCRIPTORS}
    assert sizes == {name: (1, each.size) for name, each in DESCRIPTORS.items()}
    assert {name for name in DESCRIPTORS if numbers(packed, name).max() > 1} == {"colour", "texture", "shape"}


@pytest.mark.parametrize(("size", "bits"), [(3, 4), (12, 1)])
def test_a_descriptor_that_does_not_fill_bytes_is_refused(size: int, bits: Literal[1, 4]) -> None:
    with pytest.raises(AssertionError, match=f"{size} numbers of {bits} bits do not fill bytes"):
        replace(DESCRIPTORS["hash"], size=size, bits=bits)


def test_colour_says_which_colours_there_are_and_not_where() -> None:
    red = described(disc("red"))
    assert alike(red, described(disc("red", at=(30, 50))), "colour") > 0.95
    assert alike(red, described(disc("blue", "green")), "colour") < 0.2


def test_texture_says_how_fine_a_pattern_is_in_any_colour() -> None:
    fine = described(stripes(4))
    assert alike(fine, described(stripes(4, colour="darkred")), "texture") > 0.9
    assert alike(fine, described(stripes(4)), "texture") > alike(fine, described(disc("navy")), "texture") + 0.3


def test_shape_says_which_way_edges_run_and_where_in_any_colour() -> None:
    upright = described(stripes(16))
    assert alike(upright, described(stripes(16, colour="darkred")), "shape") > 0.9
    assert alike(upright, described(stripes(16, across=True)), "shape") < 0.3


COPIES: dict[str, Callable[[Image.Image], bytes]] = {
    "JPEG": lambda image: described(image, "JPEG", quality=30),
    "half size": lambda image: described(image.resize((112, 112))),
    "brighter": lambda image: described(ImageEnhance.Brightness(image).enhance(1.1)),
    "grey": lambda image: described(image.convert("L")),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_hash_stays_when_a_picture_is_saved_again_and_changes_with_the_picture(copy: str) -> None:
    image = ImageOps.colorize(Image.effect_mandelbrot((224, 224), (-2, -1.5, 1, 1.5), 60), "black", "white", "red")
    original = described(image)
    assert alike(original, COPIES[copy](image), "hash") > 0.75
    assert alike(original, described(disc("navy")), "hash") < 0.5


def of_version(version: int) -> bytes:
    return bytes([version]) + described(disc("red"))[1:]


@pytest.mark.parametrize("packed", [None, b"", b"\1", of_version(0), of_version(2), of_version(VERSION) + b"\0"])
def test_descriptors_of_another_version_or_length_are_none(packed: bytes | None) -> None:
    read: NDArray[np.uint8] = np.frombuffer(readable(packed), np.uint8)[None]
    assert read.shape == (1, PACKED_BYTES)
    assert not are_there(read).any()
