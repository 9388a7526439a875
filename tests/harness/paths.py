"""Where the project lies, and the real data beside it."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
#: Read in place; tests that need a folder that is not there say so and are skipped.
SHARED_DATA: Final = ROOT.parent / "shared" / "data"
ODD_IMAGES: Final = SHARED_DATA / "odd-images"
