"""Views of a picture: what they keep of it, and that the seed decides them."""

import numpy as np
import pytest

from inference.encoders.tuning.views import view, views


def picture(side: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8)


def test_the_seed_decides_the_views_and_no_two_of_them_are_alike() -> None:
    pictures = [picture(32)] * 8
    first, again = (views(pictures, np.random.default_rng(5)) for _ in range(2))

    assert first.shape == (8, 32, 32, 3)
    np.testing.assert_array_equal(first, again)
    assert len({each.tobytes() for each in first}) == 8


@pytest.mark.parametrize("side", [1, 3, 32])
def test_a_picture_of_any_size_keeps_it(side: int) -> None:
    random = np.random.default_rng(0)
    assert {view(picture(side), random).shape for _ in range(50)} == {(side, side, 3)}


def test_a_view_is_still_of_its_picture() -> None:
    random = np.random.default_rng(0)
    bright, dark = np.full((32, 32, 3), 220, np.uint8), np.full((32, 32, 3), 30, np.uint8)
    means = [[float(view(each, random).mean()) for _ in range(50)] for each in (bright, dark)]

    assert min(means[0]) > max(means[1])
