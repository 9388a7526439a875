"""Pictures with fewer pixels than the encoder looks at by far."""

from typing import Final

from features.vision.gate.views import GateView

#: Pixels of the shorter side. The encoder looks at 224; catalogue pictures of 198 are found well (docs/encoder.md).
LEAST_SIDE: Final = 128


def is_small(view: GateView) -> bool:
    """Whether the shorter side of the original has fewer pixels than LEAST_SIDE."""
    return min(view.width, view.height) < LEAST_SIDE
