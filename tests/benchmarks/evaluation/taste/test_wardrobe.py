import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.evaluation.log import UnreadableLog
from benchmarks.evaluation.taste.wardrobe import OPENED_MS, read_wardrobe


def write(folder: Path, *classes: str) -> None:
    """A picture of each class, and one more of the first."""
    rows = ["path,label", *(f"{label}/{number}.png,{label}" for number, label in enumerate((*classes, classes[0])))]
    (folder / "labels.csv").write_text("\n".join(rows))
    with tarfile.open(folder / "images.tar", "w") as archive:
        for row in rows[1:]:
            out = BytesIO()
            Image.new("RGB", (300, 300), (200, 30, 40)).save(out, "PNG")
            member = tarfile.TarInfo(row.partition(",")[0])
            member.size = out.tell()
            archive.addfile(member, BytesIO(out.getvalue()))


def encode(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], list[list[tuple[str, float]]]]:
    vectors = np.tile(np.array([1, 0, 0, 0, 0, 0, 0, 0], np.float32), (len(pixels), 1))
    return vectors, [[("jersey", 0.9)]] * len(pixels)


def test_pictures_become_items_with_colours_and_without_a_category(tmp_path: Path) -> None:
    write(tmp_path, "hat", "shoe", "dress")
    found = read_wardrobe(tmp_path, encode, most=1, progress=lambda _: None)
    assert list(found.classes.values()) == ["hat", "shoe", "dress"]
    item = found.items["hat/0.png"]
    assert (item.colours[0][0], item.tags) == ("red", (("jersey", 0.9),))
    assert (item.category, item.uploaded_at_ms < OPENED_MS) == (None, True)
    assert Image.open(BytesIO(found.thumbnails["hat/0.png"])).size == (96, 96)


def test_two_classes_are_too_few(tmp_path: Path) -> None:
    write(tmp_path, "hat", "shoe")
    with pytest.raises(UnreadableLog, match="has 2 classes"):
        read_wardrobe(tmp_path, encode, most=1, progress=lambda _: None)
