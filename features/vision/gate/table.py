"""The checks of the gate by what they find: a new one has a file, a row here, and its name in PictureFault."""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from features.vision.gate.border import has_border
from features.vision.gate.exposure import is_bright, is_dark, is_plain
from features.vision.gate.sharpness import is_blurred
from features.vision.gate.size import is_small
from features.vision.gate.views import GateView

#: What the pixels of a picture say.
PictureFault: TypeAlias = Literal["plain", "small", "blur", "dark", "bright", "border"]
#: What models say of it that Triton serves.
ModelFault: TypeAlias = Literal["unsafe", "text"]
#: Of these, those that are asked about a picture's tiles, which show all of it; others see its middle square.
BY_TILES: Final[frozenset[ModelFault]] = frozenset({"text"})
#: And what only the catalogue says: that another owner has the picture.
Fault: TypeAlias = PictureFault | ModelFault | Literal["copy"]

CHECKS: Final[dict[PictureFault, Callable[[GateView], bool]]] = {
    "plain": is_plain,
    "small": is_small,
    "blur": is_blurred,
    "dark": is_dark,
    "bright": is_bright,
    "border": has_border,
}
