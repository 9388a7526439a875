"""Labelled photos and, where there are any, catalogue pictures of the same labels, decoded as the product does it."""

import csv
import tarfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.vision.decode import decode
from features.vision.formats import MAX_BYTES, BadImage

#: The column with the label, where none is named: the first of these that there is.
LABELS = ("label", "class_id")
#: The columns that may have the path of a picture.
_PATHS = ("path", "iconic_path")
_TOLD_EVERY = 500
#: The photos, and their labels.
TABLE = "labels.csv"
#: The catalogue's pictures, where the data has them.
GALLERY = "products.csv"
#: Pictures of a label, at least, where folders are labels: each then has five others.
FEWEST = 6
_PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".heic", ".tif", ".tiff"})


class UnreadableAlbum(ValueError):
    """A folder of pictures that cannot be used; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Album:
    """`pixels` uint8 [n, 224, 224, 3] and the label of each picture."""

    pixels: NDArray[np.uint8]
    labels: Sequence[str]


def read_data(
    folder: Path, label: str | None, gallery: str | None, progress: Callable[[str], None]
) -> tuple[Album, Album | None]:
    """Photos, and the catalogue's pictures if there are any: by `labels.csv`, else a folder of folders.

    Raises UnreadableAlbum.
    """
    shown = gallery_of(folder, gallery)
    if not any([shown, label, (folder / "images.tar").exists(), (folder / TABLE).exists()]):
        return read_folders(folder, progress), None
    photos = read_album(folder, TABLE, label, progress)
    return photos, None if shown is None else read_album(folder, shown, label, progress)


def gallery_of(folder: Path, gallery: str | None) -> str | None:
    """The list of catalogue pictures: the one that is named, else GALLERY where the folder has it."""
    return gallery or (GALLERY if (folder / GALLERY).is_file() else None)


def read_album(folder: Path, table: str, label: str | None, progress: Callable[[str], None]) -> Album:
    """The pictures in `images.tar` that a CSV in the folder names; raises UnreadableAlbum."""
    files, labels = read_files(folder, table, label)
    pixels = np.empty((len(files), 224, 224, 3), np.uint8)
    try:
        for number, file in enumerate(files):
            pixels[number] = decode(file).pixels
            if number % _TOLD_EVERY == 0:
                progress(f"{folder.name}/{table}: {number} of {len(files)} pictures")
    except BadImage as error:
        raise UnreadableAlbum(f"{folder} has a picture in images.tar that cannot be read: {error}") from error
    return Album(pixels, labels)


def read_files(folder: Path, table: str, label: str | None = None) -> tuple[list[bytes], list[str]]:
    """The files in `images.tar` that a CSV in the folder names, and their labels; raises UnreadableAlbum."""
    rows = read_table(folder / table)
    try:
        column = _column(rows, (label,) if label else LABELS, folder / table)
        path = _column(rows, _PATHS, folder / table)
        with tarfile.open(folder / "images.tar") as archive:
            members = [archive.extractfile(row[path]) for row in rows]
            files = [b"" if member is None else member.read() for member in members]
    except (OSError, KeyError, tarfile.TarError) as error:
        raise UnreadableAlbum(f"{folder} has no images.tar with all pictures of {table}: {error}") from error
    return files, [row[column] for row in rows]


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV that lists pictures; raises UnreadableAlbum."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableAlbum(f"{path}, the list of pictures and labels, cannot be read: {error}") from error


def first_column(rows: Sequence[dict[str, str]], names: Sequence[str]) -> str | None:
    """The first of these columns that the rows have, by what the first row says."""
    return next((name for name in names if rows and rows[0].get(name)), None)


def read_folders(folder: Path, progress: Callable[[str], None]) -> Album:
    """The pictures of a tree of folders, labelled by the folder they lie in; raises UnreadableAlbum.

    Folders with fewer than FEWEST pictures that can be read are left out, and so are pictures that lie in none.
    Pictures are in the order of their names.
    """
    found: dict[str, list[Path]] = {}
    for path in picture_files(folder):
        if path.parent != folder:
            found.setdefault(str(path.parent.relative_to(folder)), []).append(path)
    pixels, labels = [], []
    for label, paths in found.items():
        progress(f"{folder.name}: reading {len(paths)} pictures of {label}")
        some = [each for each in map(readable, paths) if each is not None]
        pixels += some
        labels += [label] * len(some)
    return album_of(pixels, labels, f"{folder}, where a sub-folder is a label,")


def album_of(pixels: Sequence[NDArray[np.uint8]], labels: Sequence[str], place: str) -> Album:
    """The pictures of labels that have FEWEST of them; raises UnreadableAlbum where no two labels have."""
    counts = Counter(labels)
    kept = [number for number, label in enumerate(labels) if counts[label] >= FEWEST]
    if len({labels[number] for number in kept}) < 2:
        raise UnreadableAlbum(f"{place} has no two labels with {FEWEST} pictures each that can be read")
    return Album(np.stack([pixels[number] for number in kept]), [labels[number] for number in kept])


def picture_files(folder: Path) -> list[Path]:
    """The files of a tree of folders whose names are those of pictures, in the order of their names."""
    # A pipe or a device of such a name would be read for ever.
    return sorted(each for each in folder.rglob("*") if each.suffix.lower() in _PICTURES and each.is_file())


def readable(path: Path) -> NDArray[np.uint8] | None:
    """The pixels of a file, uint8 [224, 224, 3]; None where it is no picture that an upload could be."""
    try:
        # What is too large is not read first to find that out.
        return decode(path.read_bytes()).pixels if path.stat().st_size <= MAX_BYTES else None
    except (OSError, BadImage):
        return None


def _column(rows: Sequence[dict[str, str]], names: Sequence[str], path: Path) -> str:
    found = first_column(rows, names)
    if found is None:
        raise UnreadableAlbum(
            f"{path} has no column {' or '.join(names)}: name its column so, or with --label where there is one"
        )
    return found
