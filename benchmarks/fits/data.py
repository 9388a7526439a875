"""What fits are measured on: the photos of clothing and groceries of a folder, and pictures of other worlds."""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.retrieval.album import read_album, read_folders, read_table
from benchmarks.retrieval.sets import Describe, labelled
from inference.encoders.look.fit import Labelled


def told(message: str) -> None:
    """Print what is done now, in the place of what was done before."""
    print(f"\r\033[K{message}", end="", file=sys.stderr, flush=True)


def clothing_and_grocery(
    data: Path, describe: Describe, *, with_pixels: bool = False
) -> tuple[Labelled, Labelled, NDArray[np.str_]]:
    """The photos of data/clothing, those of data/grocery with its catalogue, and whose the first are, in order."""
    clothes, groceries = data / "clothing", data / "grocery"
    photos = read_album(clothes, "labels.csv", None, told)
    clothing = labelled(photos, None, describe, told, with_pixels=with_pixels)
    shelves, products = (read_album(groceries, name, None, told) for name in ("labels.csv", "products.csv"))
    grocery = labelled(shelves, products, describe, told, with_pixels=with_pixels)
    return clothing, grocery, np.array([row["uploader_id"] for row in read_table(clothes / "labels.csv")])


def foreign_sets(folders: Iterable[Path], describe: Describe, *, with_pixels: bool = False) -> dict[str, Labelled]:
    """The pictures of folders of folders by the folder's name; the inner folders are their labels."""
    return {
        folder.name: labelled(read_folders(folder, told), None, describe, told, with_pixels=with_pixels)
        for folder in folders
    }
