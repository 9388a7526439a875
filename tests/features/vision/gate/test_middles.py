import numpy as np
import pytest
from PIL import Image

from features.vision.gate.middles import MARGINS, SIDE, SQUARE, middles


def ramp() -> np.ndarray:
    return np.add.outer(np.arange(SQUARE), np.arange(SQUARE)).astype(np.uint8)


@pytest.mark.parametrize(
    "square",
    [
        np.random.default_rng(1).integers(0, 256, (SQUARE, SQUARE), np.uint8),
        np.random.default_rng(2).integers(0, 2, (SQUARE, SQUARE), np.uint8),
        np.full((SQUARE, SQUARE), 255, np.uint8),
        ramp(),
    ],
    ids=["noise", "ties", "white", "ramp"],
)
def test_cells_are_those_of_pillow_to_the_level(square: np.ndarray) -> None:
    image = Image.fromarray(square)
    for found, margin in zip(middles(square), MARGINS, strict=True):
        box = (margin * SQUARE, margin * SQUARE, (1 - margin) * SQUARE, (1 - margin) * SQUARE)
        expected = image.resize((SIDE, SIDE), Image.Resampling.BOX, box=box)
        np.testing.assert_array_equal(found, np.asarray(expected))
