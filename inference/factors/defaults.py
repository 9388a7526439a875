"""The numbers by which factors are trained (docs/adr/0032). Light, for the help of the command."""

from typing import Final

DIMENSIONS: Final = 64
DIMENSIONS_LIMIT: Final = 256
REGULARIZATION: Final = 10.0
