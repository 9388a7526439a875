"""What an encoder in int8 is calibrated on where nobody gives pictures: the demo's drawings."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.world.pictures import draw_catalogue
from features.vision.decode import decode

#: Pictures that int8 is calibrated on.
CALIBRATED_ON: Final = 128
SEED: Final = 7


def drawn_calibration() -> NDArray[np.uint8]:
    """Pictures uint8 [CALIBRATED_ON, 224, 224, 3], the same each time."""
    return np.stack([decode(each.jpeg).pixels for each in draw_catalogue(CALIBRATED_ON, SEED)])
