"""Albums → what a map is fitted on and judged by."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.album import Album
from inference.encoders.look.fit import Labelled
from inference.encoders.look.projection import Matrix

_BATCH = 32
#: uint8 pixels [n, 224, 224, 3] → joined and pooled features, both float32 [n, …].
Describe = Callable[[NDArray[np.uint8]], tuple[Matrix, Matrix]]


def labelled(
    photos: Album,
    shown: Album | None,
    describe: Describe,
    progress: Callable[[str], None],
    *,
    with_pixels: bool = False,
) -> Labelled:
    """The features of photos, then of catalogue pictures, with the labels numbered; their pixels on request."""
    albums = [photos] if shown is None else [photos, shown]
    joined, pooled = [], []
    for album in albums:
        for start in range(0, len(album.pixels), _BATCH):
            progress(f"reading features of picture {start + 1} of {len(album.pixels)}")
            one, other = describe(album.pixels[start : start + _BATCH])
            joined.append(one)
            pooled.append(other)
    names = np.concatenate([np.array(album.labels) for album in albums])
    numbers: NDArray[np.int64] = np.unique(names, return_inverse=True)[1]
    catalogue = np.arange(len(names)) >= len(photos.labels)
    pixels = np.concatenate([album.pixels for album in albums]) if with_pixels else None
    return Labelled(np.concatenate(joined), np.concatenate(pooled), numbers, catalogue, pixels)
