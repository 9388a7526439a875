from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from cli.items.picture_folder import FoundPicture, balanced_sample, find_pictures, item_id_of, read_picture
from streams.wire.events import IMAGE_LIMIT


def by_id(found: Sequence[FoundPicture]) -> dict[str, str | None]:
    return {picture.item_id: picture.category for picture in found}


def test_a_sub_folder_is_the_category_and_the_path_the_item_id(folder: Path) -> None:
    assert by_id(find_pictures(folder)) == {
        "hats/old/cap.webp": "hats/old",
        "mugs/blue.PNG": "mugs",
        "mugs/red.jpg": "mugs",
        "top.jpeg": None,
    }


def test_a_csv_column_gives_the_category(folder: Path) -> None:
    labels = folder / "data.csv"
    labels.write_text("path,kind\nmugs/red.jpg,cup\n")
    found = by_id(find_pictures(folder, labels=labels, column="kind"))
    assert found["mugs/red.jpg"] == "cup"
    assert found["mugs/blue.PNG"] is None


def test_a_csv_without_the_column_is_refused_by_name(folder: Path) -> None:
    labels = folder / "data.csv"
    labels.write_text("path,kind\n")
    with pytest.raises(typer.BadParameter, match="no column colour: it has path, kind"):
        find_pictures(folder, labels=labels, column="colour")


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="no picture in"):
        find_pictures(tmp_path)


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="is not a folder"):
        find_pictures(tmp_path / "nowhere")


def test_an_odd_path_becomes_a_distinct_id_that_fits() -> None:
    first, second = item_id_of("Größe 1.jpg"), item_id_of("Größe-1.jpg")
    assert first != second
    assert len(item_id_of("x" * 500)) == 128
    assert item_id_of("mugs/red_1.jpg") == "mugs/red_1.jpg"


def test_a_balanced_sample_takes_from_each_category_in_turn() -> None:
    pictures = [FoundPicture(Path(), f"a{number}", "a") for number in range(50)]
    pictures += [FoundPicture(Path(), f"b{number}", "b") for number in range(3)]
    sample = balanced_sample(pictures, 10, seed=7)
    assert [picture.category for picture in sample].count("b") == 3
    assert len(sample) == 10


def test_a_picture_too_large_for_an_event_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    path.write_bytes(b"x" * (IMAGE_LIMIT + 1))
    with pytest.raises(ValueError, match=r"1,048,577 bytes.*image_ref"):
        read_picture(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match="0 bytes"):
        read_picture(tmp_path / "empty.jpg")
