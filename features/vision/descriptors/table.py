"""The descriptors by their names in commands, events and settings: one row each.

A new one has a file of its own, a row here, and its name in the client's `DescriptorName`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from features.vision.descriptors import colour, hashes, shape, texture
from features.vision.descriptors.pyramid import pyramid
from features.vision.descriptors.similarities import Values, centred
from features.vision.descriptors.views import Views
from sightline_client.events import DescriptorName


@dataclass(frozen=True, slots=True)
class Descriptor:
    """`describe` gives `size` numbers of `bits` bits each, uint8 [size]; `values` makes of [n, size] what is compared.

    It is compared by its cosine, in a query (`packed.similarities`) as in the vectors of lists (`Fusion`).
    """

    describe: Callable[[Views], NDArray[np.uint8]]
    size: int
    bits: Literal[1, 4]
    values: Callable[[NDArray[np.uint8]], Values]

    def __post_init__(self) -> None:
        assert self.size * self.bits % 8 == 0, f"{self.size} numbers of {self.bits} bits do not fill bytes"

    @property
    def bytes(self) -> int:
        """What an item keeps of it."""
        return self.size * self.bits // 8


def _as_they_are(levels: NDArray[np.uint8]) -> Values:
    return levels.astype(np.float32)


def _centred(levels: NDArray[np.uint8]) -> Values:
    return centred(levels.astype(np.float32))


#: In the order in which they are kept: a change of it, or of what a descriptor says, is a new version of `packed`.
DESCRIPTORS: Final[dict[DescriptorName, Descriptor]] = {
    "colour": Descriptor(colour.describe, colour.SIZE, 4, _as_they_are),
    "texture": Descriptor(texture.describe, texture.SIZE, 4, _centred),
    "shape": Descriptor(shape.describe, shape.SIZE, 4, pyramid),
    "hash": Descriptor(hashes.describe, hashes.SIZE, 1, _centred),
}
