"""The squares that together show all of a picture."""

from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from features.vision.decode import Wanted, decode
from features.vision.gate.tiles import MOST_TILES, tiles
from tests.features.vision.test_box import COLOURS, stored


@pytest.mark.parametrize("size", [(200, 200), (201, 200), (640, 480), (480, 640), (1600, 900), (900, 2000), (450, 100)])
def test_they_reach_both_ends_and_overlap_by_half(size: tuple[int, int]) -> None:
    found, side = tiles(size), min(size)
    assert all((right - left, bottom - top) == (side, side) for left, top, right, bottom in found)
    assert (found[0][:2], found[-1][2:]) == ((0, 0), size)
    starts = [left + top for left, top, _, _ in found]
    assert all(0 < second - first <= side / 2 for first, second in pairwise(starts))


@pytest.mark.parametrize("size", [(2000, 100), (100, 1999), (801, 100), (20, 1), (1, 19)])
def test_a_strip_has_no_more_than_a_model_is_asked_about_at_once_and_they_show_all_of_it(size: tuple[int, int]) -> None:
    found = tiles(size)
    assert len(found) <= MOST_TILES
    assert (found[0][:2], found[-1][2:]) == ((0, 0), size)
    across = 0 if size[0] > size[1] else 1
    assert all(first[across + 2] >= second[across] for first, second in pairwise(found))


def test_what_stands_anywhere_on_a_strip_is_on_a_tile() -> None:
    for start in range(0, 2000, 100):
        image, buffer = Image.new("RGB", (2000, 100), "white"), BytesIO()
        image.paste("red", (start, 0, start + 100, 100))
        image.save(buffer, "PNG")
        found = decode(buffer.getvalue(), Wanted(tiles=True)).tiles
        assert found is not None
        assert (found[..., 1] < 64).any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_they_are_upright(orientation: int) -> None:
    found = decode(stored(orientation, "PNG"), Wanted(tiles=True)).tiles
    assert found is not None
    seen = {tuple(tile[112 + down, 60].tolist()) for tile in found for down in (-60, 60)}
    assert seen >= {COLOURS["upper left"], COLOURS["lower left"]}
    assert all(tile[20, 20].tolist() != tile[-20, 20].tolist() for tile in found)


def test_one_in_which_all_is_transparent_is_white() -> None:
    image, buffer = Image.new("RGBA", (600, 200)), BytesIO()
    image.paste((200, 0, 0, 255), (0, 0, 150, 200))
    image.save(buffer, "PNG")
    found = decode(buffer.getvalue(), Wanted(tiles=True)).tiles
    assert found is not None
    assert (found[-1] == np.full(3, 255)).all()


def test_without_being_wanted_there_are_none() -> None:
    assert decode(stored()).tiles is None
