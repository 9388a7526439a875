import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from cli.items import picture_folder
from cli.items.picture_folder import FoundPicture, balanced_sample, find_pictures, item_id_of, read_picture, survey
from tests.cli.items.conftest import drawn


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


def test_columns_of_a_csv_may_be_attributes(folder: Path) -> None:
    labels = folder / "data.csv"
    labels.write_text("path,kind,brand,size\nmugs/red.jpg,,Acme,\nmugs/blue.PNG,cup,,L\n")
    found = survey(folder, labels=labels, column="kind", attributes=["brand", "size"]).pictures
    assert {each.item_id: (each.category, each.attributes) for each in found if each.attributes} == {
        "mugs/red.jpg": (None, {"brand": "Acme"}),
        "mugs/blue.PNG": ("cup", {"size": "L"}),
    }
    with pytest.raises(typer.BadParameter, match="no column material"):
        survey(folder, labels=labels, column="kind", attributes=["material"])


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


def test_an_empty_file_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ValueError, match="0 bytes"):
        read_picture(tmp_path / "empty.jpg")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_folder, "MAX_FILE_BYTES", 100)
    (tmp_path / "film.jpg").write_bytes(bytes(101))
    with pytest.raises(ValueError, match="101 bytes, and at most 100"):
        read_picture(tmp_path / "film.jpg")


# What a folder holds besides


def put(folder: Path, name: str, data: bytes = b"") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


PHOTO = drawn("photo", "JPEG")


def test_a_picture_is_found_by_its_first_bytes_or_its_name(tmp_path: Path) -> None:
    names = ["a.HEIC", "b.heif", "c.avif", "d.jpe", "e.JFIF", "f.webp", "g", "h.txt", "i.Jpg.bak"]
    for name in names:
        put(tmp_path, name, PHOTO)
    put(tmp_path, "page.jpg", b"<html>no</html>")
    put(tmp_path, "page.html", b"<html>no</html>")
    found = survey(tmp_path)
    assert [picture.item_id for picture in found.pictures] == [*names, "page.jpg"]
    assert list(found.passed_over) == ["page.html"]


def test_everything_that_is_passed_over_is_named_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "phone"
    put(folder, "IMG_0.JPG", PHOTO)
    put(folder, "._IMG_0.JPG", b"\0\x05\x16\x07" + bytes(100))
    put(folder, ".hidden.jpg", PHOTO)
    put(folder, ".thumbnails/1.jpg", PHOTO)
    put(folder, "empty")
    put(folder, "film.mov", b"\0\0\0\x14ftypqt  " + bytes(40))
    put(folder, "scan.tiff", b"II*\0" + bytes(40))
    put(folder, "notes.txt", b"hello")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "album").symlink_to(folder)
    os.mkfifo(folder / "pipe.jpg")
    found = survey(folder)
    assert [picture.item_id for picture in found.pictures] == ["IMG_0.JPG"]
    assert {name: reason.split()[0] for name, reason in found.passed_over.items()} == {
        "._IMG_0.JPG": "what",
        ".hidden.jpg": "a",
        ".thumbnails": "a",
        "album": "a",
        "empty": "empty:",
        "film.mov": "format:",
        "loop.jpg": "a",
        "notes.txt": "not_an_image:",
        "pipe.jpg": "neither",
        "scan.tiff": "format:",
    }


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.jpg", PHOTO)
    put(tmp_path, "b", PHOTO)
    opened = Path.open

    def refuse(path: Path, *arguments: object, **options: object) -> object:
        if path.name == "b":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    assert survey(tmp_path).passed_over == {"b": "cannot be read: Permission denied"}


def test_a_second_file_of_the_same_item_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a b.jpg", PHOTO)
    put(tmp_path, item_id_of("a b.jpg"), PHOTO)
    found = survey(tmp_path)
    assert len(found.pictures) == 1
    assert found.passed_over == {item_id_of("a b.jpg"): "has the same item id as a b.jpg"}


def test_a_name_that_is_not_utf_8_is_shown_with_escapes(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", PHOTO)
    put(tmp_path, os.fsdecode(b"b\xff.txt"), b"hello")
    assert list(survey(tmp_path).passed_over) == ["b\\xff.txt"]


def test_the_csv_with_the_categories_is_not_passed_over(folder: Path) -> None:
    labels = folder / "data.csv"
    labels.write_text("path,kind\nmugs/red.jpg,cup\n")
    assert list(survey(folder, labels=labels, column="kind").passed_over) == ["mugs/notes.txt"]


def test_a_folder_with_nothing_but_other_files_says_what_they_are(tmp_path: Path) -> None:
    put(tmp_path, "notes.txt", b"hello")
    with pytest.raises(typer.BadParameter, match=r"no picture in .*, but notes\.txt: not_an_image"):
        survey(tmp_path)
