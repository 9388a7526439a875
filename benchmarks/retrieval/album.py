"""Labelled photos and, where there are any, catalogue pictures of the same labels, decoded as the product does it."""

import csv
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.vision.decode import decode
from features.vision.formats import BadImage

#: The column with the label, where none is named: the first of these that there is.
LABELS = ("label", "class_id")
#: The columns that may have the path of a picture.
_PATHS = ("path", "iconic_path")
_TOLD_EVERY = 500


class UnreadableAlbum(ValueError):
    """A folder of pictures that cannot be used; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Album:
    """`pixels` uint8 [n, 224, 224, 3] and the label of each picture."""

    pixels: NDArray[np.uint8]
    labels: Sequence[str]


def read_album(folder: Path, table: str, label: str | None, progress: Callable[[str], None]) -> Album:
    """The pictures in `images.tar` that a CSV in the folder names; raises UnreadableAlbum."""
    try:
        with (folder / table).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableAlbum(f"{folder / table}, the list of pictures and labels, cannot be read: {error}") from error
    try:
        column = _column(rows, (label,) if label else LABELS, folder / table)
        path = _column(rows, _PATHS, folder / table)
        pixels = np.empty((len(rows), 224, 224, 3), np.uint8)
        with tarfile.open(folder / "images.tar") as archive:
            for number, row in enumerate(rows):
                member = archive.extractfile(row[path])
                pixels[number] = decode(b"" if member is None else member.read()).pixels
                if number % _TOLD_EVERY == 0:
                    progress(f"{folder.name}/{table}: {number} of {len(rows)} pictures")
    except (OSError, KeyError, tarfile.TarError, BadImage) as error:
        raise UnreadableAlbum(f"{folder} has no images.tar with all pictures of {table}: {error}") from error
    return Album(pixels, [row[column] for row in rows])


def _column(rows: Sequence[dict[str, str]], names: Sequence[str], path: Path) -> str:
    for name in names:
        if rows and rows[0].get(name):
            return name
    raise UnreadableAlbum(f"{path} has no column {' or '.join(names)}: name one with --label")
