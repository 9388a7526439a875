"""Finds the pictures of a folder; the category comes from the sub-folder or from a CSV file."""

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import typer

from streams.wire.events import IMAGE_LIMIT

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif"})
ID_LENGTH = 128


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture file; `category` is None at the top of the folder or without a line in the CSV."""

    path: Path
    item_id: str
    category: str | None


def find_pictures(folder: Path, *, labels: Path | None = None, column: str | None = None) -> list[FoundPicture]:
    """Every picture below a folder, sorted by path; raises typer.BadParameter.

    With `labels`, a CSV whose column `path` is relative to the folder, `column` names the category.
    """
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is not a folder: name one that holds pictures")
    categories = _read_labels(labels, column or "label") if labels else None
    found = [
        FoundPicture(path, item_id_of(relative), _category(relative, categories))
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in SUFFIXES and path.is_file()
        for relative in [path.relative_to(folder).as_posix()]
    ]
    if not found:
        raise typer.BadParameter(f"there is no picture in {folder}: supported are {', '.join(sorted(SUFFIXES))}")
    return found


def read_picture(path: Path) -> bytes:
    """A file's bytes; raises ValueError if they do not fit into an event."""
    size = path.stat().st_size
    if not 0 < size <= IMAGE_LIMIT:
        raise ValueError(
            f"{path.name} is {size:,} bytes, and an event carries 1 to {IMAGE_LIMIT:,}: make it smaller, or put it "
            "into the object store (SIGHTLINE_OBJECT_STORE) and publish an upload with its image_ref"
        )
    return path.read_bytes()


def item_id_of(relative: str) -> str:
    """A picture's path as an item id; a path that is no valid id is cleaned and gets a hash to stay distinct."""
    clean = re.sub(r"[^A-Za-z0-9._/-]", "_", relative)
    if clean == relative and len(clean) <= ID_LENGTH:
        return clean
    mark = hashlib.sha256(relative.encode(errors="surrogateescape")).hexdigest()[:12]
    return f"{clean[: ID_LENGTH - len(mark) - 1]}-{mark}"


def balanced_sample(pictures: Sequence[FoundPicture], count: int, seed: int) -> list[FoundPicture]:
    """At most `count` pictures, one from each category in turn."""
    random = Random(f"{seed}/sample")  # noqa: S311 (which pictures, not secrets)
    piles: dict[str | None, list[FoundPicture]] = {}
    for picture in random.sample(pictures, len(pictures)):
        piles.setdefault(picture.category, []).append(picture)
    names = sorted(piles, key=str)
    deepest = max(map(len, piles.values()))
    turns = (piles[name][turn] for turn in range(deepest) for name in names if turn < len(piles[name]))
    return [picture for picture, _ in zip(turns, range(count), strict=False)]


def _category(relative: str, categories: dict[str, str] | None) -> str | None:
    if categories is not None:
        return categories.get(relative)
    parent, slash, _ = relative.rpartition("/")
    return parent[:ID_LENGTH] if slash else None


def _read_labels(labels: Path, column: str) -> dict[str, str]:
    try:
        with labels.open(newline="", encoding="utf-8-sig") as file:
            return dict(_labelled(csv.DictReader(file), labels, column))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise typer.BadParameter(f"{labels} cannot be read as CSV: {error}") from None


def _labelled(rows: "csv.DictReader[str]", labels: Path, column: str) -> Iterator[tuple[str, str]]:
    missing = [name for name in ("path", column) if name not in (rows.fieldnames or ())]
    if missing:
        raise typer.BadParameter(
            f"{labels} has no column {' and no column '.join(missing)}: it has {', '.join(rows.fieldnames or ())}"
        )
    for row in rows:
        if row["path"] and row[column]:
            yield row["path"], row[column][:ID_LENGTH]
