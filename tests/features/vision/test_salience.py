"""A map's parts that stand out become boxes, the most salient first."""

import numpy as np
import pytest
from numpy.typing import NDArray

from features.vision.salience import salient_boxes, shows_nothing
from sightline_client.events import Box

SIDE = 14


def a_map(*parts: tuple[slice, slice, float]) -> NDArray[np.float32]:
    found = np.zeros((SIDE, SIDE), np.float32)
    for rows, columns, level in parts:
        found[rows, columns] = level
    return found


def boxes(salience: NDArray[np.float32], *, size: tuple[int, int] = (640, 480), limit: int = 8) -> tuple[Box, ...]:
    return salient_boxes(salience, *size, limit=limit)


def test_a_part_becomes_the_box_around_it() -> None:
    (box,) = boxes(a_map((slice(7, 14), slice(0, 7), 1.0)))
    assert (box.x, box.y, box.width, box.height) == pytest.approx((0, 0.5, 0.5, 0.5), abs=1 / SIDE)


def test_parts_that_do_not_touch_are_boxes_of_their_own_the_most_salient_first() -> None:
    first, second = boxes(a_map((slice(1, 5), slice(1, 5), 0.9), (slice(8, 13), slice(8, 13), 1.0)))
    assert first.x > 0.5
    assert second.x < 0.2


def test_a_speck_beside_a_large_part_does_not_count() -> None:
    assert len(boxes(a_map((slice(0, 1), slice(0, 1), 1.0), (slice(6, 12), slice(6, 12), 1.0)))) == 1


def test_there_are_no_more_boxes_than_asked_for() -> None:
    ends = (slice(0, 3), slice(11, 14))
    corners = [(rows, columns, 1.0) for rows in ends for columns in ends]
    assert len(boxes(a_map(*corners))) == 4
    assert len(boxes(a_map(*corners), limit=3)) == 3


def test_of_a_map_without_a_difference_there_is_none() -> None:
    assert boxes(a_map()) == ()
    assert boxes(a_map((slice(None), slice(None), 7.0))) == ()


def test_a_box_of_too_few_pixels_is_none() -> None:
    assert boxes(a_map((slice(4, 8), slice(4, 8), 1.0)), size=(20, 20)) == ()
    assert boxes(a_map((slice(4, 8), slice(4, 8), 1.0)), size=(1, 1)) == ()


@pytest.mark.parametrize("level", [0, 30, 255])
def test_a_picture_of_one_colour_shows_nothing(level: int) -> None:
    pixels = np.full((224, 224, 3), level, np.uint8)
    assert shows_nothing(pixels)
    pixels[100:120, 100:120, 1] ^= 128
    assert not shows_nothing(pixels)
