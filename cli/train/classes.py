"""What `sightline train classes` does: it learns a deployment's own classes from a few pictures of each."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.retrieval.album import UnreadableAlbum, read_album, read_table
from cli.items.picture_folder import FoundPicture, find_pictures, read_file
from cli.output import print_json, progress, results
from cli.train.place import file_for
from features.vision.decode import decode
from features.vision.formats import BadImage
from inference.classes.file import encode_classes
from inference.classes.training import FEW, Taught, UntaughtClasses, teach
from streams.settings import read_settings

#: The column that says whose picture it is, where none is named.
_WHOSE = "uploader_id"
_BATCH = 32

#: Unit vectors [n, d] of pixels uint8 [n, 224, 224, 3].
Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Examples:
    """The pixels uint8 [n, 224, 224, 3] of pictures, their classes [n], and whose they are [n], where that is known."""

    pixels: NDArray[np.uint8]
    labels: Sequence[str]
    groups: Sequence[str] | None


def learn(
    folder: Path,
    label: str | None,
    group: str | None,
    to: str | None,
    projection: Path | None,
    *,
    precision: float,
    seed: int,
    as_json: bool,
) -> None:
    """Learn from the examples in a folder by the encoder that `export-model` writes, and write the file."""
    file = file_for(to, read_settings().classes, "SIGHTLINE_CLASSES")
    began = time.monotonic()
    try:
        examples = read_examples(folder, label, group)
        encode, encoder = _encoder(projection)
        taught = learned(examples, encode, encoder, precision=precision, seed=seed)
    except (UnreadableAlbum, UntaughtClasses) as error:
        raise typer.BadParameter(f"{folder}: {error}") from error
    except ModuleNotFoundError as error:
        raise typer.BadParameter(f"training needs {error.name}: install sightline[export]") from error
    file.write(encode_classes(taught.classes))
    _print(taught, len(examples.labels), examples.groups is not None, file.place, time.monotonic() - began, as_json)


def learned(examples: Examples, encode: Encode, encoder: str, *, precision: float, seed: int) -> Taught:
    """What examples teach, by vectors of this encoder; raises UntaughtClasses."""
    count = len(examples.labels)
    batches = []
    for start in range(0, count, _BATCH):
        progress(f"{start} of {count} pictures are vectors")
        batches.append(encode(examples.pixels[start : start + _BATCH]))
    # As the catalogue keeps them.
    vectors = np.concatenate(batches).astype(np.float16).astype(np.float32)
    return teach(vectors, examples.labels, examples.groups, encoder, precision=precision, seed=seed)


def read_examples(folder: Path, label: str | None, group: str | None) -> Examples:
    """The examples of a folder with images.tar and labels.csv, or of one with a sub-folder for each class.

    Raises UnreadableAlbum, UntaughtClasses and BadParameter.
    """
    if (folder / "images.tar").is_file():
        album = read_album(folder, "labels.csv", label, progress)
        owners = _owners(folder / "labels.csv", group)
        return Examples(album.pixels, album.labels, None if owners is None else [owner for _, owner in owners])
    labels = folder / "labels.csv"
    if group is not None and not labels.is_file():
        raise UnreadableAlbum("there is no labels.csv whose column --group could name")
    found = find_pictures(folder, labels=labels if labels.is_file() else None, column=label)
    examples = [each for each in found if each.category is not None]
    if not examples:
        raise UntaughtClasses("no picture has a class: put each into a sub-folder with the name of its class")
    owner_of = dict(_owners(labels, group) or ()) if labels.is_file() else {}
    groups = [owner_of.get(each.path.relative_to(folder).as_posix(), "") for each in examples] if owner_of else None
    return Examples(np.stack([_pixels(each) for each in examples]), [each.category or "" for each in examples], groups)


def _pixels(picture: FoundPicture) -> NDArray[np.uint8]:
    try:
        return decode(read_file(picture.path)).pixels
    except (OSError, ValueError, BadImage) as error:
        raise UntaughtClasses(f"{picture.path.name} cannot be read as a picture: {error}") from error


def _owners(labels: Path, column: str | None) -> Sequence[tuple[str, str]] | None:
    """The path of each picture and whose it is, by a column of the CSV; None where it has none."""
    rows = read_table(labels)
    name = column or _WHOSE
    if rows and name in rows[0]:
        return [(row.get("path", ""), row[name]) for row in rows]
    if column is not None:
        raise UnreadableAlbum(f"{labels} has no column {column}")
    return None


def _encoder(projection: Path | None) -> tuple[Encode, str]:
    from inference.encoders.export import embeddings, encoder_version, load_encoder
    from inference.errors import ExportError

    try:
        network = load_encoder(projection=projection)
    except ExportError as error:
        raise typer.BadParameter(str(error), param_hint="--projection") from error
    return lambda pixels: embeddings(network, pixels), encoder_version(projection=projection)


def _print(taught: Taught, count: int, by_group: bool, place: str, took_s: float, as_json: bool) -> None:
    classes, few = taught.classes, taught.few_accuracy
    if as_json:
        found = {
            "examples": count,
            "classes": len(classes.names),
            "head": taught.head,
            "accuracy": round(taught.accuracy, 4),
            f"accuracy_{FEW}_examples": None if few is None else round(few, 4),
            "held_out": "owners" if by_group else "pictures",
            "least_confidence": round(classes.least, 4),
            "kept": round(taught.kept, 4),
            "kept_accuracy": round(taught.precision, 4),
            "encoder": classes.encoder,
            "took_s": round(took_s, 2),
        }
        print_json({**found, "file": place})
        return
    whose = "owners" if by_group else "pictures"
    after_few = "" if few is None else f"; {few:.3f} after {FEW} examples of each"
    results().print(
        f"{len(classes.names)} classes from {count:,} pictures ({taught.head}, {classes.encoder}): accuracy "
        f"{taught.accuracy:.3f} on {whose} held out{after_few}. From the confidence {classes.least:.2f} on, "
        f"{taught.kept:.0%} of them get a class, {taught.precision:.3f} of these the right one. "
        f"After {took_s:,.1f} s they are in {place}"
    )
