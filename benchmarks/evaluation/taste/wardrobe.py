"""Real pictures as items of the catalogue, with the class of each, which only the shoppers know."""

import csv
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.evaluation.log import UnreadableLog
from features.item import Item
from features.profile import DAY_MS
from features.vision.colours import dominant_colours
from features.vision.decode import decode

#: All items were uploaded a month before the first click: none is new.
OPENED_MS = 1_700_000_000_000
_UPLOADED_MS = OPENED_MS - 30 * DAY_MS
_BATCH = 32
_THUMBNAIL = 96
_Rows = list[dict[str, str]]
#: uint8 pixels [n, 224, 224, 3] → unit vectors float32 [n, dimensions], and the tags of each.
Encode = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], Sequence[Sequence[tuple[str, float]]]]]


@dataclass(frozen=True, slots=True)
class Wardrobe:
    """The items by id, the class of each, a small JPEG of each, and who uploaded it, as far as that is known."""

    items: Mapping[str, Item]
    classes: Mapping[str, str]
    thumbnails: Mapping[str, bytes]
    owners: Mapping[str, str] = field(default_factory=dict)


def read_wardrobe(folder: Path, encode: Encode, *, most: int, progress: Callable[[str], None]) -> Wardrobe:
    """The first `most` pictures of each class in `images.tar`, as `labels.csv` names them; raises UnreadableLog.

    A column `uploader_id` is read where there is one.

    Items have their colours and tags, as an upload gives them, and no category or words: only pictures tell the classes
    apart.
    """
    items, classes, thumbnails, owners = {}, {}, {}, {}
    try:
        rows = _first_of_each(folder / "labels.csv", most)
        for batch, pixels in _pictures(folder / "images.tar", rows):
            for row, picture, vector, tags in zip(batch, pixels, *encode(pixels), strict=True):
                name = row["path"]
                items[name] = _item(name, picture, vector, tags)
                classes[name], thumbnails[name] = row["label"], _thumbnail(picture)
                owners[name] = row.get("uploader_id") or f"of {name}"
            progress(f"{len(items):,} of {len(rows):,} pictures encoded")
    except (OSError, KeyError, tarfile.TarError) as error:
        raise UnreadableLog(f"{folder} must hold labels.csv (path, label) and images.tar: {error}") from error
    if len(set(classes.values())) < 3:
        raise UnreadableLog(f"{folder} has {len(set(classes.values()))} classes: a shopper needs 3")
    return Wardrobe(items, classes, thumbnails, owners if "uploader_id" in rows[0] else {})


def _first_of_each(path: Path, most: int) -> _Rows:
    found: dict[str, _Rows] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["label"], []).append(row)
    return [row for rows in found.values() for row in rows[:most]]


def _pictures(path: Path, rows: _Rows) -> Iterator[tuple[_Rows, NDArray[np.uint8]]]:
    with tarfile.open(path) as archive:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            files = [archive.extractfile(row["path"]) for row in batch]
            yield batch, np.stack([decode(file.read()).pixels for file in files if file is not None])


def _item(
    name: str, picture: NDArray[np.uint8], vector: NDArray[np.float32], tags: Sequence[tuple[str, float]]
) -> Item:
    return Item(
        name,
        changed_at_ms=_UPLOADED_MS,
        uploaded_at_ms=_UPLOADED_MS,
        tags=tuple(tags),
        colours=tuple((colour.name, colour.share) for colour in dominant_colours(picture)),
        embeddings={"pictures@1": vector.astype("<f2").tobytes()},
    )


def _thumbnail(picture: NDArray[np.uint8]) -> bytes:
    out = BytesIO()
    Image.fromarray(picture).resize((_THUMBNAIL, _THUMBNAIL)).save(out, "JPEG", quality=80)
    return out.getvalue()
