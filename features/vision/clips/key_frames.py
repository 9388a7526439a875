"""The frames that stand for a clip: one for each scene, chosen while the frames come by.

A frame begins a scene if its colours lie elsewhere than those of the last frame that was chosen: the sum of differences
of histograms in four regions (Nagasaka and Tanaka 1992). It is compared with the last *chosen* frame, not with the
one before it, so a slow change counts too, as in the twin comparison of Zhang, Kankanhalli and Smoliar (1993).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

#: Pixels of a side of the small frames that are compared.
SIDE: Final = 32
#: A frame that differs at least so much from the last chosen one is chosen, too.
SCENE: Final = 0.2
_LEVELS: Final = 4
_COLOURS: Final = _LEVELS**3
_HALF: Final = SIDE // 2

Signature = NDArray[np.float32]
F = TypeVar("F")


def signature(small: NDArray[np.uint8]) -> Signature:
    """The histograms of 64 colours in the four quarters of a small frame, uint8 [SIDE, SIDE, 3]: float32 [256], sum 1.

    >>> signature(np.zeros((SIDE, SIDE, 3), np.uint8)).nonzero()[0].tolist()
    [0, 64, 128, 192]
    """
    levels = (small // (256 // _LEVELS)).astype(np.int64)
    colours = (levels[..., 0] * _LEVELS + levels[..., 1]) * _LEVELS + levels[..., 2]
    rows, columns = np.indices((SIDE, SIDE)) // _HALF
    counts = np.bincount((colours + _COLOURS * (2 * rows + columns)).ravel(), minlength=4 * _COLOURS)
    return (counts / SIDE**2).astype(np.float32)


def difference(one: Signature, other: Signature) -> float:
    """The share of pixels whose colours lie elsewhere, 0 to 1."""
    return float(np.abs(one - other).sum()) / 2


@dataclass(slots=True)
class _Chosen(Generic[F]):
    signature: Signature
    frame: F
    #: From the chosen frame before.
    difference: float


class KeyFrames(Generic[F]):
    """The chosen frames, `most` of them at most: of more, that which differs least from the one before it leaves."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._chosen: list[_Chosen[F]] = []

    def offer(self, small: NDArray[np.uint8], make: Callable[[], F | None]) -> None:
        """Look at the next frame, uint8 [SIDE, SIDE, 3]; `make` is called only if it is chosen, None passes it over."""
        own = signature(small)
        by = difference(self._chosen[-1].signature, own) if self._chosen else 1.0
        if by < self._least or (frame := make()) is None:
            return
        self._chosen.append(_Chosen(own, frame, by))
        if len(self._chosen) > self._most:
            self._leave_out_one()

    @property
    def frames(self) -> list[F]:
        """The chosen frames, in their order."""
        return [each.frame for each in self._chosen]

    @property
    def _least(self) -> float:
        """The difference from which on a frame is chosen: one that would leave at once is not made."""
        if len(self._chosen) < self._most:
            return SCENE
        return max(SCENE, min(each.difference for each in self._chosen[1:]))

    def _leave_out_one(self) -> None:
        least = min(range(1, len(self._chosen)), key=lambda place: self._chosen[place].difference)
        del self._chosen[least]
        if least < len(self._chosen):
            before, after = self._chosen[least - 1], self._chosen[least]
            after.difference = difference(before.signature, after.signature)
