"""What the gate says of a picture: the faults that it has, and the hashes by which its copies are found."""

from dataclasses import dataclass
from typing import Final

from PIL import Image

from features.vision.gate.picture_hash import HASH_BYTES, hashes
from features.vision.gate.table import CHECKS, Fault
from features.vision.gate.views import GateView


@dataclass(frozen=True, slots=True)
class Judged:
    """The `faults` in the order of the table, and `hashes` as `picture_hash` makes them: all zeros say nothing.

    Of a clip `hashes` has those of each key frame, one after the other.
    """

    faults: tuple[Fault, ...] = ()
    hashes: bytes = bytes(HASH_BYTES)


#: Of a picture of which nothing is known.
NOT_JUDGED: Final = Judged()


def judge(image: Image.Image, size: tuple[int, int]) -> Judged:
    """Judge an upright RGB picture, as `views.reduced` leaves it, of an original of this size; see docs/gate.md."""
    view = GateView.of(image, size)
    faults = tuple(name for name, has_fault in CHECKS.items() if has_fault(view))
    return Judged(faults, hashes(view))
