"""Finds the pictures of a folder; the category comes from the sub-folder or from a CSV file."""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeAlias

import typer

from cli.items.folder_entries import entries
from features.vision.clips.containers import is_clip
from features.vision.formats import HEAD_BYTES
from features.vision.shrink import MAX_FILE_BYTES, fitting
from sightline_client.fields import ATTRIBUTE_VALUE_LIMIT
from streams.wire.events import IMAGE_LIMIT

ID_LENGTH = 128
#: What a CSV says of a picture: the category and the attributes.
_Said: TypeAlias = tuple[str | None, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture file; `category` is None at the top of the folder or without a line in the CSV."""

    path: Path
    item_id: str
    category: str | None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """By what an upload shows its item: one of these."""

    image: bytes | None
    video: bytes | None

    @property
    def content(self) -> bytes:
        """What is sent."""
        return self.image or self.video or b""


@dataclass(slots=True)
class Survey:
    """What lies below a folder: its pictures, sorted by path, and why each other entry is passed over, by path."""

    pictures: list[FoundPicture] = field(default_factory=list)
    passed_over: dict[str, str] = field(default_factory=dict)


def survey(
    folder: Path,
    *,
    labels: Path | None = None,
    column: str | None = None,
    attributes: Sequence[str] = (),
    clips: bool = False,
) -> Survey:
    """Look through a folder for pictures, and for `clips`; raises typer.BadParameter if it has none.

    The first bytes of a file say whether it is a picture; what is only named like one is refused when it is read.
    With `labels`, a CSV whose column `path` is relative to the folder, `column` names the category,
    and `attributes` the columns that are attributes of the items.
    """
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder} is not a folder: name one that holds pictures")
    said = _read_labels(labels, column or "label", attributes) if labels else None
    found = Survey()
    ids: dict[str, str] = {}
    for path, no_picture in entries(folder, clips=clips):
        if labels is not None and path.name == labels.name and path.samefile(labels):
            continue
        relative = path.relative_to(folder).as_posix()
        item_id = item_id_of(relative)
        reason = no_picture or _taken(ids.get(item_id))
        if reason is not None:
            found.passed_over[_in_utf8(relative)] = reason
            continue
        ids[item_id] = relative
        found.pictures.append(FoundPicture(path, item_id, *_said_of(relative, said)))
    if not found.pictures:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(found.passed_over.items())[:3])
        raise typer.BadParameter(f"there is no picture in {folder}" + (f", but {reasons}" if reasons else ""))
    return found


def find_pictures(folder: Path, *, labels: Path | None = None, column: str | None = None) -> list[FoundPicture]:
    """The pictures of `survey`; raises typer.BadParameter."""
    return survey(folder, labels=labels, column=column).pictures


def read_file(path: Path) -> bytes:
    """A file's bytes; raises OSError, or ValueError if it is no file, or too large to be made smaller."""
    if not path.is_file():
        raise ValueError(f"{path.name} is a device, a pipe or a folder, not a file")
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        raise ValueError(f"{path.name} is {size:,} bytes, and at most {MAX_FILE_BYTES:,} are read: make it smaller")
    return path.read_bytes()


def read_picture(path: Path) -> bytes:
    """The picture in a file as an event carries it, made smaller if need be; raises OSError or ValueError."""
    return fitting(read_file(path), IMAGE_LIMIT)


def shown_by(content: bytes) -> Shown:
    """The content of a file as an event carries it: a clip as it is, a picture made smaller if need be.

    Raises ValueError for anything else, and for a clip that is too large.
    """
    if not is_clip(content[:HEAD_BYTES]):
        return Shown(fitting(content, IMAGE_LIMIT), None)
    if len(content) > IMAGE_LIMIT:
        raise ValueError(
            f"the clip has {len(content):,} bytes, and {IMAGE_LIMIT:,} fit into an event: make it smaller, or put it "
            "into the object store and publish an upload with its video_ref"
        )
    return Shown(None, content)


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


def _taken(other: str | None) -> str | None:
    return None if other is None else f"has the same item id as {_in_utf8(other)}"


def _in_utf8(name: str) -> str:
    """A path, with escapes for bytes that are not UTF-8; control characters stay."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _said_of(relative: str, said: Mapping[str, _Said] | None) -> _Said:
    if said is not None:
        return said.get(relative, (None, {}))
    parent, slash, _ = relative.rpartition("/")
    return (parent[:ID_LENGTH] if slash else None), {}


def _read_labels(labels: Path, column: str, attributes: Sequence[str]) -> dict[str, _Said]:
    try:
        with labels.open(newline="", encoding="utf-8-sig") as file:
            return dict(_labelled(csv.DictReader(file), labels, column, attributes))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise typer.BadParameter(f"{labels} cannot be read as CSV: {error}") from None


def _labelled(
    rows: "csv.DictReader[str]", labels: Path, column: str, attributes: Sequence[str]
) -> Iterator[tuple[str, _Said]]:
    missing = [name for name in ("path", column, *attributes) if name not in (rows.fieldnames or ())]
    if missing:
        raise typer.BadParameter(
            f"{labels} has no column {' and no column '.join(missing)}: it has {', '.join(rows.fieldnames or ())}"
        )
    for row in rows:
        own = {name: row[name][:ATTRIBUTE_VALUE_LIMIT] for name in attributes if row[name]}
        if row["path"] and (row[column] or own):
            yield row["path"], (row[column][:ID_LENGTH] or None, own)
