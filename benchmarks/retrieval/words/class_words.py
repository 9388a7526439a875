"""Makes the table by which pictures without words are found.

`python -m benchmarks.retrieval.words.class_words [--write]`.

It embeds the names of ImageNet's classes and of our colours by the exported text tower, and says how far the table in
use is from that.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from torchvision.models import EfficientNet_B0_Weights  # type: ignore[import-untyped]  # it has no types

from benchmarks.retrieval.words.tower import LocalTower
from features.vision.colours import COLOUR_NAMES
from inference.words.pictures import TABLE


def table() -> tuple[list[str], NDArray[np.float16]]:
    """The names, each once, and their vectors float16 [names, DIMENSIONS]."""
    names = [*dict.fromkeys([*EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"], *COLOUR_NAMES])]
    with TemporaryDirectory() as folder:
        vectors = LocalTower.exported(Path(folder)).embed(names)
    return names, vectors.astype(np.float16)


if __name__ == "__main__":
    names, vectors = table()
    if "--write" in sys.argv:
        np.savez_compressed(TABLE, names=np.array(names), vectors=vectors)
    with np.load(TABLE) as stored:
        same = stored["names"].tolist() == names
        print(
            f"{len(names)} names, the same: {same}; largest difference {np.abs(stored['vectors'] - vectors).max():.4f}"
        )
