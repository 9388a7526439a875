"""The faults of a clip, from its file."""

from collections.abc import Sequence

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from features.vision.clips.decode import decode_clip
from features.vision.gate.clips import is_fault_of
from features.vision.gate.table import Fault
from tests.features.vision.gate.test_judge import textured
from tests.harness.clips import clip

SHARP = textured(300, 400)
#: The same threads in other colours, so that each is a scene.
RED, GREEN, BLUE = SHARP.split()
OTHER, THIRD = Image.merge("RGB", (RED, GREEN, BLUE.point(lambda level: level * 0.4))), ImageOps.invert(SHARP)


def faults(*scenes: Image.Image) -> Sequence[Fault]:
    return decode_clip(clip([np.asarray(each) for each in scenes], codec="libx264")).judged.faults


def blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(5))


def test_a_sharp_clip_has_no_fault() -> None:
    assert faults(SHARP, OTHER, THIRD) == ()


def test_a_clip_is_blurred_if_most_of_its_frames_are() -> None:
    assert faults(blurred(SHARP), blurred(OTHER), THIRD) == ("blur",)
    assert faults(blurred(SHARP), OTHER, THIRD) == ()


def test_a_clip_of_one_frame_has_its_faults() -> None:
    assert faults(blurred(SHARP)) == ("blur",)


def test_a_fade_from_black_counts_for_nothing_and_black_alone_is_plain() -> None:
    black = Image.new("RGB", SHARP.size)
    assert faults(black, SHARP) == ()
    assert faults(black) == ("plain",)


def test_a_small_clip_is_small() -> None:
    assert "small" in faults(SHARP.resize((90, 120)))


@pytest.mark.parametrize(
    ("fault", "least"), [("unsafe", 1), ("plain", 4), ("blur", 3), ("text", 3), ("dark", 3), ("small", 3)]
)
def test_so_many_of_four_frames_make_a_fault_of_the_clip(fault: Fault, least: int) -> None:
    made = [is_fault_of(fault, [True] * count + [False] * (4 - count)) for count in range(1, 5)]
    assert made.index(True) + 1 == least
