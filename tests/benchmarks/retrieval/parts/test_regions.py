"""Scenes say truly where their things lie, and parts are found by what a map says."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.retrieval.parts.regions import Searched, iou, measure_regions
from benchmarks.retrieval.parts.scenes import HEIGHT, WIDTH, Scene, cut_out, pairs, scenes
from sightline_client.events import Box

RED, GREEN, GREY = (250, 0, 0), (0, 250, 0), (128, 128, 128)
THINGS = [Image.new("RGB", (80, 60), RED), Image.new("RGB", (40, 90), GREEN)]
GROUNDS = [Image.new("RGB", (300, 500), GREY)]


def seen(scene: Scene, colour: tuple[int, int, int]) -> Box:
    """The box of the pixels with about this colour."""
    near: NDArray[np.bool_] = np.all(np.abs(np.asarray(scene.image).astype(int) - colour) < 40, axis=2)
    ys, xs = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return Box(
        x=xs[0] / WIDTH,
        y=ys[0] / HEIGHT,
        width=(xs[-1] + 1 - xs[0]) / WIDTH,
        height=(ys[-1] + 1 - ys[0]) / HEIGHT,
    )


def test_a_scene_has_its_thing_where_it_says_and_as_large_as_it_should_be() -> None:
    for scene in scenes(THINGS, GROUNDS, 8, seed=1):
        (box,), (number,) = scene.boxes, scene.things
        assert iou(seen(scene, (RED, GREEN)[number]), box) > 0.95
        assert 0.1 < box.width * box.height < 0.35


def test_of_two_things_each_lies_in_its_half() -> None:
    for scene in pairs(THINGS, GROUNDS, 4, seed=1):
        left, right = scene.boxes
        assert left.x + left.width <= 0.5 <= right.x
        assert sorted(scene.things) == [0, 1]


def test_a_thing_is_cut_out_of_white_with_the_white_within_it() -> None:
    image = Image.new("RGB", (100, 100), (255, 255, 255))
    image.paste(RED, (20, 30, 80, 90))
    image.paste((255, 255, 255), (40, 50, 60, 70))
    found = cut_out(image)
    assert found.size == (60, 60)
    assert found.getpixel((30, 30)) == (255, 255, 255, 255)
    assert cut_out(Image.new("RGB", (10, 10), RED)).size == (10, 10)


@pytest.mark.parametrize(
    ("other", "share"),
    [(Box(x=0, y=0, width=0.5, height=0.5), 1), (Box(x=0.5, y=0, width=0.5, height=0.5), 0)],
)
def test_the_share_of_two_boxes(other: Box, share: float) -> None:
    assert iou(Box(x=0, y=0, width=0.5, height=0.5), other) == share


def by_colour(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean colour as a vector."""
    means = pixels.reshape(len(pixels), -1, 3).mean(axis=1).astype(np.float32) - 100
    return means / np.linalg.norm(means, axis=1, keepdims=True), means


def from_grey(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    cells = pixels.reshape(len(pixels), 14, 16, 14, 16, 3).mean(axis=(2, 4))
    return np.asarray(np.abs(cells - 128).sum(axis=3), np.float32)


def test_the_salient_part_of_things_on_a_plain_ground_is_the_true_one() -> None:
    catalogue = np.stack([np.full((224, 224, 3), colour, np.uint8) for colour in (RED, GREEN)])
    searched = Searched(catalogue, ["red", "green"], by_colour, is_catalogue=True)
    found = measure_regions(THINGS, ["red", "green"], GROUNDS, searched, by_colour, from_grey, lambda _: None)
    assert found.pictures == 120
    assert found.by["true"].iou == 1
    assert found.by["salient"].iou > 0.7
    assert found.by["salient"].look == found.by["true"].look == 1
    assert found.by["whole"].area == 1
    assert found.in_pairs is not None
    assert found.in_pairs > 0.9
