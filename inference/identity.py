"""Whether the item that is most like a photo is the one in the photo: a probability from two similarities."""

from dataclasses import dataclass
from math import exp
from typing import Final


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression (Platt 1999) on the cosine of the most similar item, and on its lead over the second."""

    constant: float
    best: float
    lead: float

    def certainty(self, best: float, second: float | None) -> float:
        """How probable it is, 0 to 1, that the item with the cosine `best` is the one; without a second it has no lead.

        >>> by = Calibration(constant=-8.0, best=10.0, lead=20.0)
        >>> [round(by.certainty(*pair), 3) for pair in ((0.9, 0.6), (0.9, 0.9), (0.9, None), (0.5, 0.4))]
        [0.999, 0.731, 0.731, 0.269]
        """
        lead = 0.0 if second is None else best - second
        return 1 / (1 + exp(-(self.constant + self.best * best + self.lead * lead)))


#: The encoder whose cosines CALIBRATION is of.
CALIBRATED: Final = "efficientnet-lite0@2"
#: Printed by `sightline bench retrieval --by certainty` (docs/similarity.md).
CALIBRATION: Final = Calibration(constant=-4.021, best=4.75, lead=4.956)
