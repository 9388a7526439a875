import doctest

import numpy as np
import pytest
from numpy.typing import NDArray

from features.vision import colours as visual
from features.vision.colours import dominant_colours


def plain(red: int, green: int, blue: int) -> NDArray[np.uint8]:
    return np.full((224, 224, 3), (red, green, blue), dtype=np.uint8)


def test_the_example_prints_what_it_says() -> None:
    assert doctest.testmod(visual).failed == 0


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((130, 130, 130), "grey"),
        ((230, 20, 20), "red"),
        ((250, 140, 0), "orange"),
        ((255, 230, 0), "yellow"),
        ((0, 128, 0), "green"),
        ((20, 60, 220), "blue"),
        ((10, 20, 80), "navy"),
        ((230, 210, 180), "beige"),
        ((100, 60, 30), "brown"),
        ((255, 160, 190), "pink"),
        ((130, 40, 160), "purple"),
        # Of the survey of colour names by xkcd (Munroe 2010): deep teal, metallic and stormy blue, light green, …
        ((0, 85, 90), "turquoise"),
        ((79, 115, 142), "blue"),
        ((80, 123, 156), "blue"),
        ((136, 179, 120), "green"),
        ((110, 203, 60), "green"),
        ((115, 92, 139), "purple"),
        ((245, 4, 201), "pink"),
    ],
)
def test_a_plain_picture_has_one_colour_with_its_everyday_name(rgb: tuple[int, int, int], name: str) -> None:
    (colour,) = dominant_colours(plain(*rgb))

    assert colour.name == name
    assert colour.share == 1


def test_the_wall_behind_a_garment_does_not_count() -> None:
    pixels = plain(240, 240, 240)
    pixels[60:160, 60:160] = (20, 60, 220)

    assert [colour.name for colour in dominant_colours(pixels)] == ["blue"]


def test_a_picture_without_one_background_counts_as_a_whole() -> None:
    pixels = plain(230, 20, 20)
    pixels[:, 112:] = (20, 60, 220)

    assert {colour.name: colour.share for colour in dominant_colours(pixels)} == {"red": 0.5, "blue": 0.5}


def test_the_largest_colour_comes_first_and_traces_are_left_out() -> None:
    pixels = plain(240, 240, 240)
    pixels[20:200, 20:200] = (0, 128, 0)
    pixels[20:80, 20:200] = (255, 230, 0)
    pixels[100:108, 100:108] = (230, 20, 20)

    assert [colour.name for colour in dominant_colours(pixels)] == ["green", "yellow"]


def test_no_more_colours_than_the_limit_are_named() -> None:
    pixels = plain(240, 240, 240)
    for n, rgb in enumerate([(230, 20, 20), (0, 128, 0), (20, 60, 220), (255, 230, 0)]):
        pixels[20 + 40 * n : 60 + 40 * n, 20:200] = rgb

    assert len(dominant_colours(pixels, limit=2)) == 2


def test_the_same_pixels_give_the_same_colours() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)

    assert dominant_colours(pixels) == dominant_colours(pixels.copy())


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 2, 3), (8, 8, 3)])
def test_a_tiny_picture_has_colours_too(shape: tuple[int, int, int]) -> None:
    assert dominant_colours(np.zeros(shape, dtype=np.uint8))[0].name == "black"
