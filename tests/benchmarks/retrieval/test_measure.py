"""Photos of three plain colours: by colour all neighbours are right, by a network that knows nothing they are not."""

import csv
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.retrieval.album import Album, UnreadableAlbum, read_album
from benchmarks.retrieval.measure import measure_retrieval
from benchmarks.retrieval.ways import ways
from features.vision.descriptors.packed import PACKED_BYTES
from features.vision.descriptors.table import DESCRIPTORS

COLOURS = {"red": (205, 30, 40), "green": (40, 140, 60), "blue": (35, 85, 200)}


def photo(label: str, number: int) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = np.full((224, 224, 3), 245, np.uint8)
    pixels[30 + 10 * number : 150 + 5 * number, 40:180] = COLOURS[label]
    return pixels


def album(count: int) -> Album:
    named = [(label, photo(label, number)) for number in range(count) for label in COLOURS]
    return Album(np.stack([pixels for _, pixels in named]), [label for label, _ in named])


def blind(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A network to which all pictures are the same."""
    same = np.full((len(pixels), 4), 0.5, np.float32)
    return same, same


def test_by_colour_the_right_neighbours_and_catalogue_pictures_are_found() -> None:
    found = measure_retrieval(album(4), album(1), blind, lambda _: None)
    colour = found.by["colour"]
    assert (found.photos, found.labels) == (12, 3)
    assert (colour.p_at_1, colour.map_at_10, colour.r_at_1) == (1.0, 1.0, 1.0)
    assert found.by["look"].p_at_1 < 0.5
    assert found.by["look + 0.2 colour"].p_at_1 == found.by["look, all in one space"].p_at_1 == 1.0
    assert found.costs["all"].bytes == PACKED_BYTES == 1 + sum(found.costs[name].bytes for name in DESCRIPTORS)


def test_without_a_gallery_there_is_no_recall_of_it() -> None:
    assert measure_retrieval(album(2), None, blind, lambda _: None).by["hash"].r_at_1 is None


def test_each_descriptor_is_compared_in_all_three_ways() -> None:
    names = ways()
    for name in DESCRIPTORS:
        assert {name, f"{name} by norm", f"{name} by intersection"} <= names.keys()


def write_album(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    with tarfile.open(folder / "images.tar", "w") as archive:
        for row in rows:
            buffer = BytesIO()
            Image.new("RGB", (20, 20), "red").save(buffer, "PNG")
            entry = tarfile.TarInfo(row["path"])
            entry.size = buffer.tell()
            archive.addfile(entry, BytesIO(buffer.getvalue()))


def test_an_album_is_read_without_unpacking_it(tmp_path: Path) -> None:
    write_album(tmp_path, [{"path": "a.png", "class_id": "7"}, {"path": "b.png", "class_id": "8"}])
    found = read_album(tmp_path, "labels.csv", None, lambda _: None)
    assert (found.pixels.shape, found.labels) == ((2, 224, 224, 3), ["7", "8"])


def test_a_folder_that_is_no_album_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(UnreadableAlbum, match=r"labels\.csv, the list of pictures and labels, cannot be read"):
        read_album(tmp_path, "labels.csv", None, lambda _: None)
    write_album(tmp_path, [{"path": "a.png", "kind": "7"}])
    with pytest.raises(UnreadableAlbum, match="no column label or class_id"):
        read_album(tmp_path, "labels.csv", None, lambda _: None)
    (tmp_path / "images.tar").write_bytes(b"")
    with pytest.raises(UnreadableAlbum, match=r"images\.tar"):
        read_album(tmp_path, "labels.csv", "kind", lambda _: None)
