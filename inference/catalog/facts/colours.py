"""The colours of an item as one vector."""

import numpy as np
from numpy.typing import NDArray

from features.item import Item
from features.vision.colours import COLOUR_NAMES


def colour_vector(item: Item) -> NDArray[np.float32]:
    """The shares of COLOUR_NAMES as a unit vector, float32 [17]; zeros without any."""
    vector = np.zeros(len(COLOUR_NAMES), np.float32)
    for name, share in item.colours:
        if name in COLOUR_NAMES:
            vector[COLOUR_NAMES.index(name)] = share
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector
