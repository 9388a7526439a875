"""The colours of an item as one vector."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from features.vision.colours import COLOUR_NAMES


def colour_vector(colours: Iterable[tuple[str, float]]) -> NDArray[np.float32]:
    """Names of colours with their shares as a unit vector float32 [17], of COLOUR_NAMES; zeros without any."""
    vector = np.zeros(len(COLOUR_NAMES), np.float32)
    for name, share in colours:
        if name in COLOUR_NAMES:
            vector[COLOUR_NAMES.index(name)] = share
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
