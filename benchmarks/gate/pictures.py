"""The pictures of a folder: its photos, and its catalogue pictures as a set of their own."""

import csv
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from features.vision.formats import BadImage
from features.vision.opening import see
from features.vision.pixels import shown

#: The tables of a folder, the column with the path, and that of what must not be on both sides of a split.
_TABLES: Final = {
    "labels.csv": ("path", ("uploader_id", "class_id", "label")),
    "products.csv": ("iconic_path", ("class_id",)),
}


class UnreadablePictures(ValueError):
    """A folder that cannot be used; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Photo:
    """An upright RGB picture; `group` is its uploader or its product."""

    path: str
    group: str
    image: Image.Image


def picture_sets(folder: Path) -> list[tuple[str, Path]]:
    """The sets of a folder by name, each with its table; raises UnreadablePictures."""
    found = [folder / table for table in _TABLES if (folder / table).is_file()]
    if not found or not (folder / "images.tar").is_file():
        raise UnreadablePictures(f"{folder} has no images.tar with a labels.csv or a products.csv beside it")
    return [(folder.name if path.name == "labels.csv" else f"{folder.name} catalogue", path) for path in found]


def read_photos(table: Path, most: int) -> Iterator[Photo]:
    """At most so many pictures of a table, evenly spread over it; raises UnreadablePictures."""
    path, groups = _TABLES[table.name]
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with tarfile.open(table.parent / "images.tar") as archive:
            for row in rows[:: max(1, -(-len(rows) // most))]:
                member = archive.extractfile(row[path])
                image = see(b"" if member is None else member.read(), _upright)
                yield Photo(row[path], next(row[name] for name in groups if name in row), image)
    except (OSError, KeyError, StopIteration, UnicodeDecodeError, csv.Error, tarfile.TarError, BadImage) as error:
        raise UnreadablePictures(f"{table.parent} has no images.tar with all pictures of {table}: {error}") from error


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    seen = shown(image, lambda pixels: pixels)
    return Image.new("RGB", image.size, "white") if seen is None else seen
