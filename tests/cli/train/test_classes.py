import csv
import json
import tarfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from benchmarks.retrieval.album import UnreadableAlbum
from cli.main import app
from cli.train.classes import learned, read_examples
from inference.classes.training import UntaughtClasses
from inference.encoders.export import encoder_version

COLOURS = {"red": (200, 20, 20), "blue": (20, 20, 200)}


def picture(colour: str, number: int) -> bytes:
    data = BytesIO()
    r, g, b = COLOURS[colour]
    Image.new("RGB", (40, 40), (r, g + 3 * number, b)).save(data, "PNG")
    return data.getvalue()


def by_colour(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The mean colour as a unit vector, in place of the encoder."""
    means = pixels.reshape(len(pixels), -1, 3).mean(axis=1).astype(np.float32)
    unit: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
    return unit


def folders(root: Path, each: int) -> Path:
    for colour in COLOURS:
        (root / colour).mkdir(parents=True)
        for number in range(each):
            (root / colour / f"{number}.png").write_bytes(picture(colour, number))
    return root


def archive(root: Path) -> Path:
    """As the data sets are: images.tar, and labels.csv with whose each picture is."""
    with tarfile.open(root / "images.tar", "w") as tar, (root / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "kind", "uploader_id"])
        for number in range(8):
            colour = [*COLOURS][number % 2]
            data, entry = picture(colour, number), tarfile.TarInfo(f"{number}.png")
            entry.size = len(data)
            tar.addfile(entry, BytesIO(data))
            table.writerow([entry.name, colour, f"a {colour} thing", number // 2])
    return root


def test_sub_folders_are_classes(tmp_path: Path) -> None:
    examples = read_examples(folders(tmp_path, 6), None, None)
    taught = learned(examples, by_colour, "e@1", precision=0.95, seed=0)
    assert (taught.classes.names, taught.accuracy, examples.groups) == (("blue", "red"), 1.0, None)
    name, confidence = taught.classes.of(by_colour(examples.pixels[:1])[0], "e@1") or ("none", 0.0)
    assert name == examples.labels[0]
    assert confidence > 0.9


def test_a_column_of_the_csv_names_the_classes_and_another_whose_pictures_they_are(tmp_path: Path) -> None:
    examples = read_examples(archive(tmp_path), "kind", None)
    assert set(examples.labels) == {"a red thing", "a blue thing"}
    assert examples.groups == ["0", "0", "1", "1", "2", "2", "3", "3"]
    assert read_examples(tmp_path, None, "label").groups == list(examples_of(tmp_path))
    with pytest.raises(UnreadableAlbum, match="no column nobody"):
        read_examples(tmp_path, None, "nobody")


def examples_of(folder: Path) -> list[str]:
    return list(read_examples(folder, "label", None).labels)


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    folders(tmp_path, 2)
    (tmp_path / "red" / "broken.png").write_bytes(picture("red", 1)[:40])
    with pytest.raises(UntaughtClasses, match=r"broken\.png cannot be read as a picture"):
        read_examples(tmp_path, None, None)


def test_pictures_without_a_class_are_refused(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(picture("red", 1))
    with pytest.raises(UntaughtClasses, match="put each into a sub-folder"):
        read_examples(tmp_path, None, None)


@pytest.mark.parametrize(("each", "only", "says"), [(1, None, "have one example"), (3, "red", "1 classes are there")])
def test_too_few_classes_or_examples_are_a_clear_error(tmp_path: Path, each: int, only: str | None, says: str) -> None:
    folder = folders(tmp_path / "pictures", each)
    for colour in COLOURS:
        if only not in (None, colour):
            (folder / colour).rename(tmp_path / colour)
    refused = CliRunner().invoke(app, ["train", "classes", str(folder), "--to", str(tmp_path / "classes")])
    assert refused.exit_code == 2
    assert says in " ".join(refused.output.replace("│", " ").split())
    assert not (tmp_path / "classes").exists()


def test_the_command_writes_the_file_and_says_how_right_it_is(tmp_path: Path) -> None:
    folder = folders(tmp_path / "pictures", 3)
    ran = CliRunner().invoke(app, ["train", "classes", str(folder), "--to", str(tmp_path / "classes"), "--json"])
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout.splitlines()[-1])
    assert (said["classes"], said["examples"], said["held_out"]) == (2, 6, "pictures")
    assert said["encoder"] == encoder_version()
    assert (tmp_path / "classes").stat().st_size < 10_000
